import { z } from 'zod'
import type { KubeObject } from '../../apis/kube-object.ts'
import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { membersAnnotation } from '../../tenancy/marks.ts'
import type { StorePlan } from '../components/plane.ts'
import { foundingPlan } from './members.ts'

const ordinal = z.int().min(0).max(8)
const record = z.array(z.object({ ordinal, start: z.enum(['found', 'join', 'halt']), peers: z.array(ordinal) })).min(1)

/** What is noted of a plan beside the members' configuration. */
export const planText = ({ members }: StorePlan): string => JSON.stringify(members)

const recordOf = (config: KubeObject | undefined): z.output<typeof record> | undefined => {
  try {
    return record.safeParse(JSON.parse(config?.metadata.annotations?.[membersAnnotation] ?? 'null')).data
  } catch {
    return undefined
  }
}

/** What is there of a data store in super. */
export interface StoreObjects {
  readonly config: KubeObject | undefined
  readonly workload: KubeObject | undefined
  /** Volumes of members. */
  readonly claims: number
}

/** The plan as far as it is known without asking etcd: as it was noted last, or that of a store that is to be founded. */
export const notedPlan = (
  { dataStore: { replicas } }: Pick<TenantControlPlaneSpec, 'dataStore'>,
  { config, workload, claims }: StoreObjects,
): StorePlan => {
  // A store without a note is there already, or about to be founded. What is asked for counts only then: two that are founded side by side would be two stores.
  const there = workload ? claims || workload.spec?.replicas : undefined
  return { members: recordOf(config) ?? foundingPlan(there || replicas), isHeld: false }
}
