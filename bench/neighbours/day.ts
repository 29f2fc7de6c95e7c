import type { ClusterPlan } from '../../hack/cluster/plan.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { TenantControlPlane } from '../../src/apis/tenant-control-plane.ts'
import { superNamespace } from '../../src/tenancy/names.ts'
import { clusterCpu } from '../cpu.ts'
import { makeNamespace, removeNamespaces, untilNamespacesGone } from '../namespaces.ts'
import type { BenchTenant, Rig } from '../rig.ts'
import { scaleBerth, syncerPod } from '../syncer.ts'
import { withBadApiServer } from './bad-api-server.ts'
import { beGreedy } from './greed.ts'
import type { NeighboursOptions } from './options.ts'
import { makePaced, type Paced } from './paced.ts'
import type { Day, DayName } from './results.ts'

/** What days are measured on. */
export interface Ground {
  readonly rig: Rig
  readonly plan: ClusterPlan
  readonly signal: AbortSignal
  /** Those that are measured. */
  readonly others: readonly BenchTenant[]
  readonly troublemaker: BenchTenant
  readonly controlPlaneNamespace: string
}

/** The last tenant makes the trouble. The manager is off from here on: it would mend what is broken on purpose, and is off on quiet days too. */
export const groundOf = async (rig: Rig, plan: ClusterPlan, signal: AbortSignal): Promise<Ground> => {
  const others = rig.tenants.slice(0, -1)
  const troublemaker = rig.tenants.at(-1)
  if (!troublemaker || others.length === 0) throw new Error('there have to be two tenants or more')
  const { name, namespace } = troublemaker.ctx.tenant
  const plane = await rig.superClient.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name, namespace })
  await syncerPod(rig.superClient).start()
  await scaleBerth(rig.superClient, { syncer: 1, manager: 0 })
  return { rig, plan, signal, others, troublemaker, controlPlaneNamespace: plane?.status?.controlPlaneNamespace ?? '' }
}

/** Runs `work` while the trouble lasts; `done` is what the troublemaker got done. */
const withTrouble = async (
  name: DayName,
  { rig: { superClient }, plan, signal, troublemaker, controlPlaneNamespace }: Ground,
  { namespace, run }: { readonly namespace: string; readonly run: string },
  work: () => Promise<Paced>,
): Promise<{ readonly paced: Paced; readonly done: number }> => {
  if (name === 'quiet') return { paced: await work(), done: 0 }
  if (name === 'greedy') {
    const enough = new AbortController()
    const greed = beGreedy(troublemaker.client, { namespace, run }, AbortSignal.any([enough.signal, signal]))
    try {
      const paced = await work()
      enough.abort()
      return { paced, done: await greed }
    } finally {
      enough.abort()
    }
  }
  const bad = { superClient, controlPlaneNamespace, address: plan.bridgeIp }
  const { result, asked } = await withBadApiServer(name, bad, work)
  return { paced: result, done: asked }
}

const warmUpPods = 20

/** Measures one day: namespaces, a few pods that are not counted, the day itself, and all taken away again. */
export const measureDay = async (
  name: DayName,
  round: number,
  ground: Ground,
  { rate, seconds }: NeighboursOptions,
): Promise<Day> => {
  const { rig, plan, others, troublemaker, signal } = ground
  const tag = `${Math.floor(Date.now() / 1000).toString(36)}-${name}`
  const namespace = `bench-${tag}`
  const all = [...others, troublemaker]
  await Promise.all(all.map(({ client }) => makeNamespace(client, namespace)))
  try {
    await makePaced(others, { rate, seconds: Math.ceil(warmUpPods / rate), namespace, run: `${tag}-warm` }, signal)
    let cores: Readonly<Record<string, number>> = {}
    const { paced, done } = await withTrouble(name, ground, { namespace, run: tag }, async () => {
      const [before, began] = [clusterCpu(plan), performance.now()]
      const made = await makePaced(others, { rate, seconds, namespace, run: tag }, signal)
      const took = (performance.now() - began) / 1000
      cores = Object.fromEntries(
        [...clusterCpu(plan)].map(([program, used]) => [program, (used - (before.get(program) ?? 0)) / took]),
      )
      return made
    })
    return { name, round, ...paced, trouble: done, cores }
  } finally {
    await Promise.all(all.map(({ client }) => removeNamespaces(client, [namespace])))
    await untilNamespacesGone(
      rig.superClient,
      all.map(({ ctx }) => superNamespace(ctx.tenant, namespace)),
    )
  }
}
