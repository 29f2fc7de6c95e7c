import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import { parseKubeconfig } from '../../src/kube/kubeconfig.ts'
import { createKubeClient } from '../../src/kube/undici-client.ts'
import type { Tenant } from './tenant.ts'

/** What became of a writer's writes. */
export interface Written {
  readonly acknowledged: number
  /** Writes that failed at first and were taken a second later. */
  readonly retried: readonly string[]
  /** Writes that failed twice, a second apart. */
  readonly failed: readonly string[]
  /** The longest time between two acknowledged writes, milliseconds. */
  readonly longestGapMs: number
}

const everyMs = 100
const retryAfterMs = 1_000

/** A client with the kubeconfig in this file, that writes once every 100 ms and tries what failed once again, a second later. `stop` checks that no acknowledged write was lost. */
export const startWriter = async ({ kubeconfig }: Pick<Tenant, 'kubeconfig'>): Promise<{ stop: () => Promise<Written> }> => {
  const client = createKubeClient(parseKubeconfig(await readFile(kubeconfig, 'utf8')), { userAgent: 'steady-writer' })
  const ref = { name: 'steady-writer', namespace: 'default' }
  const type = resourceTypes.configMaps
  if (!(await client.get(type, ref)))
    await client.create(type, { apiVersion: 'v1', kind: 'ConfigMap', metadata: ref, data: { count: '0' } })
  const retried: string[] = []
  const failed: string[] = []
  let acknowledged = 0
  let newest = 0
  let last = performance.now()
  let longestGapMs = 0
  let stopped = false

  const write = (count: number) =>
    client.patch(type, ref, { data: { count: String(count) } }, { type: 'merge', timeoutMs: 5_000 })
  const acknowledge = (count: number): void => {
    acknowledged += 1
    newest = Math.max(newest, count)
    const now = performance.now()
    longestGapMs = Math.max(longestGapMs, now - last)
    last = now
  }
  const run = async (): Promise<void> => {
    for (let count = 1; !stopped; count += 1) {
      const began = performance.now()
      try {
        await write(count)
        acknowledge(count)
      } catch (first) {
        retried.push(String(first))
        await sleep(retryAfterMs)
        await write(count).then(
          () => acknowledge(count),
          (second: unknown) => failed.push(`${String(first)}; a second later: ${String(second)}`),
        )
      }
      await sleep(Math.max(0, everyMs - (performance.now() - began)))
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopped = true
      await running
      const stored = await client.get(type, ref)
      await client.close()
      const count = Number((stored as { data?: { count?: string } } | undefined)?.data?.count)
      if (!(count >= newest)) throw new Error(`write ${newest} was acknowledged, but ${count} is stored`)
      return { acknowledged, retried, failed, longestGapMs: Math.round(longestGapMs) }
    },
  }
}

/** Lets a client write all the time while `work` goes on, and prints what became of its writes. */
export const whileWriting = async (tenant: Tenant, what: string, work: () => Promise<unknown>): Promise<Written> => {
  const writer = await startWriter(tenant)
  let written: Written | undefined
  try {
    await work()
  } finally {
    written = await writer.stop()
    console.log(what, JSON.stringify(written))
  }
  return written
}
