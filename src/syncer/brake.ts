/** What the mass-delete brake looks at, after a tenant's caches were listed anew. */
export interface BrakeInput {
  /** UID of the tenant's kube-system namespace when syncing began, and now: a new one is a new etcd. */
  readonly recordedStore: string | undefined
  readonly presentStore: string
  /** Super objects of this tenant, and those whose tenant object is not there. */
  /** Name of the snapshot that its data were restored from, as long as nobody has said that super is to follow. */
  readonly restoredFrom?: string | undefined
  readonly superObjects: number
  readonly orphans: number
}

/** Fewer than these may vanish unasked: a small tenant's whole content is no mass. */
const fewestOrphans = 10
const largestShare = 0.5

/** The reason to freeze, or undefined. Deletions seen one by one in a watch never come here: they are the tenant's word. */
export const brakeReason = (input: BrakeInput): string | undefined => {
  const { recordedStore, presentStore, restoredFrom, superObjects, orphans } = input
  if (restoredFrom !== undefined && superObjects > 0) {
    return `the tenant was restored from snapshot ${restoredFrom}: what is in super is kept as it is, ${orphans} of ${superObjects} objects are not in the snapshot`
  }
  if (recordedStore !== undefined && recordedStore !== presentStore && superObjects > 0) {
    return `the tenant's data store is another one than before (kube-system was ${recordedStore}, is ${presentStore}): its ${superObjects} objects in super are kept`
  }
  if (orphans >= fewestOrphans && orphans > superObjects * largestShare) {
    return `${orphans} of ${superObjects} objects vanished from the tenant at once: they are kept in super`
  }
  return undefined
}

/** What the Lease remembers that the brake goes by. */
export interface BrakeRecord {
  readonly store: string | undefined
  readonly frozen: string | undefined
  readonly resumed: string | undefined
  readonly restored: string | undefined
}

/** What is seen of a tenant whose caches were listed anew. */
export interface BrakeView extends Pick<BrakeInput, 'presentStore' | 'superObjects' | 'orphans'> {
  /** The last restore of its data, and when that was. */
  readonly restored: { readonly id: string; readonly snapshotName: string; readonly at: string } | undefined
  /** The operator's word to go on: the time at which it was given. */
  readonly resume: string | undefined
}

/** What is to be remembered, and with it whether syncing goes on. A word to go on counts once, and is none about a restore that came after it. */
export const verdictOf = (record: BrakeRecord, view: BrakeView): BrakeRecord => {
  const { presentStore, restored, resume, superObjects, orphans } = view
  const isPending = restored !== undefined && restored.id !== record.restored
  const restoredFrom = isPending ? restored.snapshotName : undefined
  const heard = resume !== undefined && resume !== record.resumed
  const goesOn = heard && (!isPending || Date.parse(resume) >= Date.parse(restored.at))
  const frozen = goesOn
    ? undefined
    : (record.frozen ?? brakeReason({ recordedStore: record.store, presentStore, restoredFrom, superObjects, orphans }))
  return {
    store: frozen !== undefined && record.store !== undefined ? record.store : presentStore,
    frozen,
    resumed: heard ? resume : record.resumed,
    restored: frozen === undefined ? restored?.id : record.restored,
  }
}
