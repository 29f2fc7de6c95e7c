import { isResting } from '../../apis/conditions.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { classMovedAtAnnotation, classRevisionAnnotation } from '../../tenancy/marks.ts'
import type { TenantHealth, TenantView } from './next-wave.ts'

/** What the steps say when all of a workload is as wanted. What serves while it is changed, or cannot be, is True as well, with another reason. */
const settledReasons = { DataStoreReady: 'Serving', APIServerReady: 'Serving', ControllerManagerReady: 'Running' } as const

/** Reasons that no waiting mends: it is the change itself. */
const failedReasons: ReadonlySet<string> = new Set(['FlagRefused', 'CrashLooping', 'PodsRefused', 'ContainerNotCreated'])

type Conditions = NonNullable<NonNullable<TenantControlPlane['status']>['conditions']>

const healthOf = ({ metadata, status }: TenantControlPlane, revision: string): TenantHealth => {
  const conditions: Conditions = status?.conditions ?? []
  const find = (type: string) => conditions.find((each) => each.type === type)
  const isCurrent = status?.observedGeneration === metadata.generation
  if (status?.class?.revision !== revision || !isCurrent)
    return find('ClassApplied')?.reason === 'LimitExceeded'
      ? { kind: 'failed', message: find('ClassApplied')?.message ?? '' }
      : { kind: 'progressing', message: 'the manager has not taken the revision up yet' }
  const upgrading = find('Upgrading')
  const said = `Upgrading: ${upgrading?.message ?? ''}`
  // A version that could not be brought up, or that somebody has to mend something for.
  if (upgrading?.status === 'False' || upgrading?.reason === 'Blocked') return { kind: 'failed', message: said }
  // It is at rest for that, and not because somebody wants it to be.
  if (upgrading?.reason === 'RestoringData') return { kind: 'held', message: said }
  // It takes up all of its revision when it goes on, and that may be never: nobody waits for it.
  if (isResting(conditions)) return { kind: 'ready' }
  // Its own clock runs, and pods that crash are its own matter.
  if (upgrading && upgrading.reason !== 'Waiting') return { kind: 'held', message: said }
  const open = Object.entries(settledReasons).flatMap(([type, reason]) => {
    const condition = find(type)
    return condition?.status === 'True' && condition.reason === reason ? [] : [{ type, condition }]
  })
  const broken = open.find(({ condition }) => failedReasons.has(condition?.reason ?? ''))
  if (broken) return { kind: 'failed', message: `${broken.type}: ${broken.condition?.message}` }
  const ready = find('Ready')
  if (ready?.status !== 'True') return { kind: 'progressing', message: ready?.message ?? 'nothing is known of it yet' }
  // What it waits for comes by itself, a window for one. A frozen tenant waits for a person.
  if (upgrading) return { kind: find('Frozen')?.status === 'True' ? 'progressing' : 'held', message: said }
  const [first] = open
  return first
    ? { kind: 'progressing', message: `${first.type}: ${first.condition?.message ?? 'nothing is known of it yet'}` }
    : { kind: 'ready' }
}

/**
 * The revision that the class controller last told a tenant. One of another class is none of this one's; nor is one that nobody knows, of a copied object for one,
 * unless the tenant runs by it: then it is changed when it is its turn.
 */
const toldOf = ({ metadata, status }: TenantControlPlane, { className, known }: Told): string | undefined => {
  const told = metadata.annotations?.[classRevisionAnnotation]
  if (told === undefined || !(known.has(told) || status?.class?.revision === told)) return undefined
  return told.startsWith(`${className}-`) && told.lastIndexOf('-') === className.length ? told : undefined
}

/** What a tenant may have been told. */
interface Told {
  readonly className: string
  /** Names of the revisions that there are of the class. */
  readonly known: ReadonlySet<string>
}

/** A tenant of a class as its rollout sees it. */
export const tenantView = (tenant: TenantControlPlane, of: Told): TenantView => {
  const { namespace, name, labels = {}, annotations = {} } = tenant.metadata
  const revision = toldOf(tenant, of)
  const movedAt = Date.parse(annotations[classMovedAtAnnotation] ?? '')
  return {
    key: `${namespace}/${name}`,
    labels,
    revision,
    movedAt: revision === undefined || Number.isNaN(movedAt) ? undefined : new Date(movedAt),
    health: revision === undefined ? { kind: 'progressing', message: 'it has no revision yet' } : healthOf(tenant, revision),
  }
}
