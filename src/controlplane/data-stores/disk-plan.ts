import type { KubeObject } from '../../apis/kube-object.ts'
import { quantityValue } from '../../apis/quantity.ts'
import type { Storage } from '../components/plane.ts'
import { ordinalOfName } from './member-pods.ts'

/** The volume of one member, as far as its size goes. Sizes are quantities, such as `10Gi`. */
export interface Disk {
  readonly name: string
  readonly uid: string
  readonly className: string | undefined
  /** There is a volume behind the claim: before that, nobody can ask for another size. */
  readonly isBound: boolean
  readonly asked: string
  /** What there is to write to; undefined while there is none. */
  readonly capacity: string | undefined
  /** What is being done about the rest, or what is against it; undefined while nobody has begun. */
  readonly work: { readonly text: string; readonly isStuck: boolean } | undefined
}

/** What is known of the classes that the volumes are of: undefined for one that is gone. */
export type ExpandableClasses = ReadonlyMap<string, boolean | undefined>

export interface DiskView {
  /** What the spec says. */
  readonly wanted: string
  /** What was found to be possible last, and is noted in the tenant's status. */
  readonly noted: string
  readonly storage: Storage['kind']
  readonly disks: readonly Disk[]
  readonly classes: ExpandableClasses
  /** What the StatefulSet makes new volumes with; undefined: it is not there, or makes none. */
  readonly template: string | undefined
}

/** What is to be done for the disks of a data store, and what people are told of it. */
export interface DiskPlan {
  /** To be noted before anything is done for it: from then on it holds, whoever is killed when. */
  readonly note?: string
  /** Why what is wanted is not done, and what helps. */
  readonly refusal?: string
  /** Volumes that are to be asked for the noted size. */
  readonly ask: readonly Disk[]
  /** The StatefulSet is to be made anew around its pods, as what it makes volumes with cannot be changed. */
  readonly remake: boolean
  /** How far the disks are; undefined when all have the noted size. */
  readonly progress?: string
  /** Without somebody's help it does not go on. */
  readonly isStuck: boolean
}

const isLess = (a: string, b: string): boolean => quantityValue(a) < quantityValue(b)

const emptyDirText =
  'the data lie in emptyDirs, whose size is of the pods, and the data would go with those. Move the tenant to another data store and back, once the cluster has a storage class, or set storageSize back'

/** Why a data store does not get another size; undefined when it does, or has it already. Pure. */
export const sizeRefusal = ({ wanted, noted, storage, disks, classes }: Omit<DiskView, 'template'>): string | undefined => {
  if (quantityValue(wanted) === quantityValue(noted) || storage === 'elsewhere') return undefined
  const said = `spec.dataStore.storageSize ${wanted} is not carried out`
  if (storage === 'ephemeral') return `${said}, and stays ${noted}: ${emptyDirText}`
  if (isLess(wanted, noted))
    return `${said}: a disk of ${noted} never shrinks. Set it back to ${noted}, or move the tenant to another data store and back`
  for (const { name, className } of disks) {
    if (className !== undefined && classes.get(className) === true) continue
    const because =
      className === undefined
        ? `the volume of ${name} is of no storage class, so nobody can make it larger`
        : classes.has(className) && classes.get(className) === undefined
          ? `storage class ${className} of ${name} is gone, so nobody can make it larger`
          : `storage class ${className} of ${name} does not let volumes grow (allowVolumeExpansion)`
    return `${said}: ${because}. Set storageSize back to ${noted}, or allow it in the class when its driver can, or move the tenant to another data store and back to a class that can`
  }
  return undefined
}

const progressOf = (disks: readonly Disk[], size: string): { text: string; isStuck: boolean } | undefined => {
  // One that is being made of that size does not grow.
  const small = disks.filter(({ capacity, asked }) => isLess(capacity ?? asked, size))
  if (small.length === 0) return undefined
  const have = disks.filter(({ capacity }) => capacity !== undefined && !isLess(capacity, size))
  const waiting = small.map(({ name, isBound, asked, work }) => {
    if (!isBound) return `${name} has no volume yet`
    if (isLess(asked, size)) return `${name} is asked for`
    return `${name}: ${work?.text ?? 'its driver has not begun; it needs an external-resizer'}`
  })
  return {
    text: `${have.length} of ${disks.length} members have ${size}; ${waiting.join('; ')}`,
    isStuck: small.some(({ work }) => work?.isStuck === true),
  }
}

/**
 * What the disks of a data store need to become as large as is wanted. First the size is noted, then every volume is asked for it, and what makes new volumes is
 * brought along. No pod ends for any of it. Pure.
 */
export const planDisks = (view: DiskView): DiskPlan => {
  const { wanted, noted, storage, disks, template } = view
  const refusal = sizeRefusal(view)
  const grows = refusal === undefined && storage === 'claim' && isLess(noted, wanted)
  if (storage !== 'claim') return { ask: [], remake: false, isStuck: false, ...(refusal !== undefined && { refusal }) }
  const progress = progressOf(disks, noted)
  return {
    ...(grows && { note: wanted }),
    ...(refusal !== undefined && { refusal }),
    ask: disks.filter(({ isBound, asked }) => isBound && isLess(asked, noted)),
    remake: template !== undefined && isLess(template, noted),
    ...(progress && { progress: progress.text }),
    isStuck: progress?.isStuck ?? false,
  }
}

interface ClaimCondition {
  readonly type?: string
  readonly status?: string
  readonly message?: string
}

/** Words for what Kubernetes says of a volume that grows (core/v1 PersistentVolumeClaimConditionType and ClaimResourceStatus). */
const workOf = ({ status }: KubeObject): Disk['work'] => {
  const conditions = ((status?.conditions ?? []) as readonly ClaimCondition[]).filter((each) => each.status === 'True')
  const find = (...types: readonly string[]) => conditions.find(({ type = '' }) => types.includes(type))
  const state: unknown = status?.allocatedResourceStatuses?.storage
  const error = find('ControllerResizeError', 'NodeResizeError')
  if (error || state === 'ControllerResizeInfeasible' || state === 'NodeResizeInfeasible') {
    const why = (error?.message ?? 'it cannot provide that size').slice(0, 300)
    return {
      text: `its driver failed: ${why}. It goes on by itself when that is mended (room, quota and largest size of the storage); a smaller disk takes a move to another data store`,
      isStuck: true,
    }
  }
  if (find('FileSystemResizePending') || state === 'NodeResizePending' || state === 'NodeResizeInProgress')
    return {
      text: 'the volume is larger, and its node has still to grow the file system; where a driver does so only for a pod that starts, delete the pod',
      isStuck: false,
    }
  if (find('Resizing') || state === 'ControllerResizeInProgress') return { text: 'its driver is at it', isStuck: false }
  return undefined
}

/** A claim as far as its size goes. */
const diskOf = (claim: KubeObject): Disk => ({
  name: claim.metadata.name ?? '',
  uid: claim.metadata.uid ?? '',
  className: (claim.spec?.storageClassName as string | undefined) || undefined,
  isBound: claim.status?.phase === 'Bound',
  asked: (claim.spec?.resources?.requests?.storage as string | undefined) ?? '0',
  capacity: claim.status?.capacity?.storage as string | undefined,
  work: workOf(claim),
})

/** The disks of members among the objects of a control-plane namespace. One that is on its way out is nobody's any more. */
export const disksIn = (objects: Iterable<KubeObject>): readonly Disk[] =>
  [...objects]
    .filter(
      (object) =>
        object.kind === 'PersistentVolumeClaim' &&
        ordinalOfName(object) !== undefined &&
        object.metadata.deletionTimestamp === undefined,
    )
    .map(diskOf)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))

/** What a StatefulSet makes volumes with; undefined for one that makes none, or is on its way out. */
export const templateSize = (workload: KubeObject | undefined): string | undefined =>
  workload?.metadata.deletionTimestamp === undefined
    ? (workload?.spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage as string | undefined)
    : undefined

/** The smaller of two sizes. */
const smallerOf = (a: string, b: string): string => (isLess(a, b) ? a : b)

/** What every member can write to, while its disk grows to `size`. */
export const smallestSize = (disks: readonly Disk[], size: string): string =>
  disks.reduce((least, { capacity }) => (capacity === undefined ? least : smallerOf(capacity, least)), size)
