import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt } from '../hack/run.ts'
import { explainError } from '../src/lib/errors.ts'
import { type Finding, findingsOf } from './journal.ts'
import type { Load } from './load.ts'
import { usedName } from './load-kinds.ts'
import { gapsOf } from './quiet.ts'
import { differencesOf } from './sides.ts'
import { storedOf, superSide, tenantSide } from './stored.ts'
import { type ChaosTenant, tenantsNamespace } from './tenants.ts'
import type { ChaosWorld, PodGroup } from './world.ts'

/** What was found of one tenant when all was over. */
export interface TenantVerdict {
  readonly name: string
  /** Keys that were ever written. */
  readonly keys: number
  /** Answered writes that are not there, and the like. */
  readonly findings: readonly Finding[]
  /** What the two sides do not have in common. */
  readonly differences: readonly string[]
  readonly verify: { readonly code: number | undefined; readonly output: string }
}

const cli = join(import.meta.dirname, '../src/bin/cli.ts')
const quietMs = 600_000
const sidesMs = 120_000
const lookMs = 1_000

/** Asks again until nothing is left over, or the time is; gives what was left last. */
const untilNone = async (
  deadlineMs: number,
  ended: AbortSignal,
  ask: () => Promise<readonly string[]>,
): Promise<readonly string[]> => {
  const end = performance.now() + deadlineMs
  for (;;) {
    const left = await ask().catch((error: unknown) => [explainError(error)])
    if (left.length === 0 || performance.now() > end) return left
    await sleep(lookMs, undefined, { signal: ended })
  }
}

/** Waits until nothing moves any more; gives the seconds that took, and what is not quiet after ten minutes. */
export const untilQuiet = async (
  world: ChaosWorld,
  groups: readonly PodGroup[],
): Promise<{ readonly seconds: number; readonly gaps: readonly string[] }> => {
  const began = performance.now()
  const gaps = await untilNone(quietMs, world.ended, () => gapsOf(world, groups))
  return { seconds: (performance.now() - began) / 1000, gaps }
}

/** `berth verify`, as an operator runs it. */
const verify = async ({ cluster }: ChaosWorld, name: string): Promise<TenantVerdict['verify']> => {
  const args = [cli, 'verify', name, '-n', tenantsNamespace, '--kubeconfig', cluster.kubeconfigPath]
  const { code, output } = await attempt(process.execPath, args, { timeoutMs: 180_000 })
  return { code, output }
}

/** Compares all that a tenant's load was answered with all that is stored, and the tenant with super. */
export const judge = async (world: ChaosWorld, tenant: ChaosTenant, load: Load): Promise<TenantVerdict> => {
  const entries = load.entries()
  const found = await storedOf(tenant).then(
    (stored) => findingsOf(entries, stored),
    (error: unknown) => [{ what: 'lost' as const, object: 'all', detail: `cannot be read: ${explainError(error)}` }],
  )
  const differences = await untilNone(sidesMs, world.ended, async () => {
    const [above, below] = await Promise.all([tenantSide(tenant), superSide(world.superClient, tenant)])
    // Without a pod nothing is used.
    const used = above.some(({ plural }) => plural === 'pods') ? [usedName] : []
    return differencesOf(above, below, new Set(used))
  })
  return {
    name: tenant.name,
    keys: entries.length,
    findings: [...load.findings(), ...found],
    differences,
    verify: await verify(world, tenant.name),
  }
}

/** True when nothing is to be said against it. */
export const isSound = ({ findings, differences, verify: { code } }: TenantVerdict): boolean =>
  findings.length === 0 && differences.length === 0 && code === 0
