import { z } from 'zod'
import type { KubeObject } from '../../apis/kube-object.ts'
import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { membersAnnotation } from '../../tenancy/marks.ts'
import type { StorePlan } from '../components/plane.ts'
import { foundingPlan, type MemberPlan } from './members.ts'

const ordinal = z.int().min(0).max(8)
const record = z.object({
  isCluster: z.boolean(),
  members: z.array(z.object({ ordinal, start: z.enum(['found', 'join', 'halt']), peers: z.array(ordinal) })).min(1),
})

/** What is noted of a plan beside the members' configuration. */
export const planText = ({ members, isCluster }: StorePlan): string => JSON.stringify({ isCluster, members })

const recordOf = (config: KubeObject | undefined): z.output<typeof record> | undefined => {
  try {
    return record.safeParse(JSON.parse(config?.metadata.annotations?.[membersAnnotation] ?? 'null')).data
  } catch {
    return undefined
  }
}

/** A plan for these members. Once a cluster, its members keep the waits of one: nothing has to start anew for a shrink. */
export const storePlan = (members: readonly MemberPlan[], wanted: number, wasCluster: boolean): StorePlan => ({
  members,
  isCluster: wasCluster || members.length > 1 || wanted > 1,
  isGrowing: members.length < wanted || members.some(({ start }) => start === 'join'),
})

/** The plan as far as it is known without asking etcd: as it was noted last, or that of a store that is to be founded. */
export const notedPlan = (
  { dataStore: { replicas } }: Pick<TenantControlPlaneSpec, 'dataStore'>,
  { config, workload }: { readonly config: KubeObject | undefined; readonly workload: KubeObject | undefined },
): StorePlan => {
  const noted = recordOf(config)
  // A store that was made before plans were noted: as many members as it runs, all of them with data.
  return storePlan(noted?.members ?? foundingPlan(workload?.spec?.replicas || replicas), replicas, noted?.isCluster ?? false)
}
