import { type Condition, conditionTypes } from '../../apis/conditions.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { podProblem } from '../diagnose.ts'

/** One thing that is wrong, with what to do about it. */
export interface Finding {
  /** `Berth`, `node worker-1`, `tenant home/acme`. */
  readonly subject: string
  /** broken: does not work. degraded: a part of it does not. waiting: on its way, or on purpose. */
  readonly severity: 'broken' | 'degraded' | 'waiting'
  /** For example `ImagePullFailed`. */
  readonly cause: string
  readonly message: string
  /** Tenants that are not as they should be for this reason. */
  readonly tenants: readonly string[]
}

/** A workload of Berth itself, and its pods. */
export interface Part {
  readonly name: string
  /** What does not happen without it. */
  readonly does: string
  readonly workload: KubeObject | undefined
  readonly pods: readonly KubeObject[]
}

/** What there is to be seen. */
export interface Facts {
  readonly manager: Part
  readonly syncer: Part
  /** What is in the super cluster; `elsewhere`: nobody said where it is, and it is another one. */
  readonly inSuper:
    | { readonly kind: 'seen'; readonly agent: Part; readonly nodes: readonly KubeObject[] }
    | { readonly kind: 'away'; readonly message: string }
    | { readonly kind: 'elsewhere' }
  /** Milliseconds since the leader of the managers renewed its Lease; undefined: there is none. */
  readonly leaderSilentMs: number | undefined
  readonly tenants: readonly TenantControlPlane[]
  readonly now: Date
}

const nameOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`

const conditionOf = ({ status }: TenantControlPlane, type: Condition['type']): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

const countsOf = ({ workload }: Part): { readonly wanted: number; readonly ready: number } =>
  workload?.kind === 'DaemonSet'
    ? { wanted: workload.status?.desiredNumberScheduled ?? 0, ready: workload.status?.numberReady ?? 0 }
    : { wanted: workload?.spec?.replicas ?? 1, ready: workload?.status?.readyReplicas ?? 0 }

/** A process of Berth that is not there, or not all of it. */
const partFinding = (part: Part, now: Date): Finding | undefined => {
  const { name, does, workload, pods } = part
  const base = { subject: 'Berth', tenants: [] }
  if (!workload)
    return {
      ...base,
      severity: 'broken',
      cause: 'NotInstalled',
      message: `${name} is not there, so that ${does}: install Berth again (docs/how-to/install.md)`,
    }
  const { wanted, ready } = countsOf(part)
  if (wanted === 0 && workload.kind !== 'DaemonSet')
    return {
      ...base,
      severity: 'broken',
      cause: 'ScaledToZero',
      message: `${name} is scaled to zero, so that ${does}: kubectl scale deployment/${name} -n ${workload.metadata.namespace} --replicas=1`,
    }
  if (ready >= wanted) return undefined
  const problem = podProblem(pods, now)
  const why = problem?.message ?? `kubectl get pods -n ${workload.metadata.namespace} shows them`
  return {
    ...base,
    severity: ready === 0 ? 'broken' : 'degraded',
    cause: problem?.reason ?? 'NotReady',
    message: `${name} has ${ready} of ${wanted} pods ready, so that ${does}${ready > 0 ? ' for some' : ''}: ${why}`,
  }
}

const nodeFindings = (nodes: readonly KubeObject[]): Finding[] =>
  nodes.flatMap((node): Finding[] => {
    const ready = ((node.status?.conditions ?? []) as { type: string; status: string; message?: string }[]).find(
      ({ type }) => type === 'Ready',
    )
    return ready?.status === 'True'
      ? []
      : [
          {
            subject: `node ${node.metadata.name}`,
            severity: 'degraded',
            cause: 'NodeNotReady',
            message: `pods on it do not run or cannot be reached: ${ready?.message ?? 'it says nothing of itself'}`,
            tenants: [],
          },
        ]
  })

/** Reasons that are no trouble, only not over. */
const underWay: ReadonlySet<string> = new Set([
  'Starting',
  'RollingOut',
  'Waiting',
  'Waking',
  'Hibernating',
  'Pausing',
  'ChangingMembers',
  'NoServiceAccount',
])
/** What is so because somebody wants it. */
const onPurpose: ReadonlySet<string> = new Set(['Paused', 'Hibernated', 'Restoring', 'Moving'])

/** How long a spec may be ahead of what the manager has said of it. */
const unseenMs = 60_000

const isUnseen = ({ metadata, status }: TenantControlPlane, now: Date): boolean =>
  (status?.observedGeneration ?? 0) < (metadata.generation ?? 0) &&
  now.getTime() - Date.parse(metadata.creationTimestamp ?? '') > unseenMs

/** What a tenant itself says: of several steps that fail, the first one is why the others do. */
const ownFinding = (tenant: TenantControlPlane, now: Date): Finding | undefined => {
  const subject = `tenant ${nameOf(tenant)}`
  const tenants = [nameOf(tenant)]
  const deleting = conditionOf(tenant, 'Deleting')
  if (tenant.metadata.deletionTimestamp)
    return {
      subject,
      severity: 'waiting',
      cause: deleting?.reason ?? 'Deleting',
      message: `it is being deleted: ${deleting?.message ?? 'nothing is known yet'}`,
      tenants,
    }
  if (isUnseen(tenant, now))
    return {
      subject,
      severity: 'broken',
      cause: 'NotSeen',
      message:
        'the manager has not got to its newest spec for a minute: kubectl logs -n berth-system deployment/berth-manager shows what it does',
      tenants,
    }
  const ready = conditionOf(tenant, 'Ready')
  if (ready?.status === 'True') {
    const stuck = (
      ['Upgrading', 'Moving', 'Growing', 'Restoring', 'ClassApplied', 'BackupProven', 'NetworkPolicyEnforced'] as const
    )
      .map((type) => conditionOf(tenant, type))
      .find((condition) => condition && (condition.status === 'False' || condition.reason === 'Blocked'))
    return (
      stuck && {
        subject,
        severity: 'degraded',
        cause: ['ClassApplied', 'BackupProven', 'NetworkPolicyEnforced'].includes(stuck.type)
          ? stuck.reason
          : `${stuck.type}${stuck.reason}`,
        message: stuck.message,
        tenants,
      }
    )
  }
  if (!ready) return { subject, severity: 'waiting', cause: 'New', message: 'the manager has not looked at it yet', tenants }
  if (onPurpose.has(ready.reason)) return { subject, severity: 'waiting', cause: ready.reason, message: ready.message, tenants }
  const failed = conditionTypes
    .filter((type) => type !== 'Ready')
    .map((type) => conditionOf(tenant, type))
    .filter((condition) => condition !== undefined)
    .filter(({ status, reason }) => status !== 'True' && !underWay.has(reason))
  // What comes without a condition, as the objects in the tenant, is in the summary alone.
  const root = failed[0] ?? ready
  return {
    subject,
    severity: underWay.has(root.reason) ? 'waiting' : 'broken',
    cause: root.reason,
    message: root.message,
    tenants,
  }
}

/** Reasons of tenants that a process of Berth which is away explains. */
const explainedBy = (part: Part, cause: string): boolean => {
  switch (part.name) {
    case 'berth-manager':
      return true
    case 'berth-syncer':
      return cause === 'NoSyncer' || cause === 'SyncerSilent' || cause === 'NoEndpoint' || cause === 'Starting'
    default:
      return false
  }
}

/** A super cluster that is away, told once: by those who look, and for all tenants that say so. */
const withoutSuper = (
  findings: readonly Finding[],
  inSuper: Facts['inSuper'],
): { readonly own: readonly Finding[]; readonly away: readonly Finding[] } => {
  const told = findings.filter(({ cause }) => cause === 'SuperUnreachable')
  const own = findings.filter((finding) => !told.includes(finding))
  // What a deletion says beside it is for that one.
  const message =
    told.find(({ severity }) => severity !== 'waiting')?.message ?? (inSuper.kind === 'away' ? inSuper.message : told[0]?.message)
  if (message !== undefined) {
    const tenants = told.flatMap((finding) => finding.tenants)
    return { own, away: [{ subject: 'super cluster', severity: 'broken', cause: 'SuperUnreachable', message, tenants }] }
  }
  if (inSuper.kind !== 'elsewhere') return { own, away: [] }
  const unseen = 'pods of tenants run in another cluster; --super-kubeconfig FILE looks at its nodes and vn-agent as well'
  return { own, away: [{ subject: 'super cluster', severity: 'waiting', cause: 'NotLookedAt', message: unseen, tenants: [] }] }
}

/**
 * What is wrong, each cause once, the one that explains most first: a process of Berth that is away is told instead of what all tenants say for that reason.
 * Pure; nothing found is an empty list.
 */
export const findingsOf = (facts: Facts): readonly Finding[] => {
  const { manager, syncer, inSuper, leaderSilentMs, now } = facts
  const { own, away } = withoutSuper(
    facts.tenants.map((tenant) => ownFinding(tenant, now)).filter((finding) => finding !== undefined),
    inSuper,
  )
  const parts = [manager, syncer, ...(inSuper.kind === 'seen' ? [inSuper.agent] : [])].flatMap((part) => {
    const finding = partFinding(part, now)
    return finding ? [{ part, finding }] : []
  })
  if (!parts.some(({ part }) => part === manager) && (leaderSilentMs === undefined || leaderSilentMs > 30_000))
    parts.unshift({
      part: manager,
      finding: {
        subject: 'Berth',
        severity: 'broken',
        cause: 'NoLeader',
        message: `no manager leads (Lease berth-system/berth-manager), so that ${manager.does}: kubectl logs -n berth-system deployment/berth-manager shows why`,
        tenants: [],
      },
    })
  const explained = new Set<Finding>()
  const system = parts.map(({ part, finding }) => {
    if (finding.severity !== 'broken') return finding
    const tenants = own.filter((each) => !explained.has(each) && each.severity !== 'degraded' && explainedBy(part, each.cause))
    for (const each of tenants) explained.add(each)
    return { ...finding, tenants: tenants.flatMap((each) => each.tenants) }
  })
  const rank = { broken: 0, degraded: 1, waiting: 2 }
  const nodes = inSuper.kind === 'seen' ? nodeFindings(inSuper.nodes) : []
  return [...away, ...system, ...nodes, ...own.filter((each) => !explained.has(each))].toSorted(
    (a, b) => rank[a.severity] - rank[b.severity],
  )
}
