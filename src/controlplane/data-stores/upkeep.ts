/** What one member says of its disk. */
export interface MemberUsage {
  readonly ordinal: number
  readonly isLeader: boolean
  /** Bytes of the file. */
  readonly sizeBytes: number
  /** Bytes of it that hold something. */
  readonly inUseBytes: number
  /** At which it takes no more writes, since it started; undefined: it does not say. */
  readonly quotaBytes?: number | undefined
}

/** Kinds of alarm that etcd raises and keeps until they are disarmed. */
export type AlarmKind = 'NOSPACE' | 'CORRUPT'

export interface Alarm {
  readonly memberId: string
  readonly kind: AlarmKind
}

export interface Upkeep {
  readonly usages: readonly MemberUsage[]
  readonly alarms: readonly Alarm[]
  /** At which members that start now take no more writes. */
  readonly quotaBytes: number
  readonly storageBytes: number
  /** One member may be kept from its work for a while. */
  readonly canSpareOne: boolean
  /** All members are there and serve. */
  readonly isWhole: boolean
}

/** What is to be done for the disk of a data store, whose history was just compacted if it is full. */
export type UpkeepAction =
  | { readonly kind: 'none' }
  /** Gives the free part of the file back. The member answers nothing meanwhile: about a second for each 100 MB in use. */
  | { readonly kind: 'defragment'; readonly ordinal: number }
  /** Its disk has grown since it started, and etcd reads its quota when it starts. */
  | { readonly kind: 'restart'; readonly ordinal: number }
  /** There is room again: writes are taken once the alarm is off. */
  | { readonly kind: 'disarm' }
  | { readonly kind: 'full'; readonly usage: MemberUsage }
  | { readonly kind: 'corrupt' }

const mebibyte = 2 ** 20
/** Smaller files are not worth a pause. */
const worthwhileBytes = 64 * mebibyte
/** Writes are let in again when so much of the quota is free: else the alarm would be back at once. */
const roomForWrites = 0.1

/** More cannot be written anew before kubelet takes etcd for dead: that is for a person, with etcdctl, at a time of choice. */
const mostToRewrite = 4 * 2 ** 30

/** A defragmentation writes what is in use into a second file, and the log goes on meanwhile (server/storage/backend/backend.go). */
const hasRoomFor = ({ sizeBytes, inUseBytes }: MemberUsage, storageBytes: number): boolean =>
  sizeBytes + inUseBytes <= storageBytes * 0.9 && inUseBytes <= mostToRewrite

/** The member whose file has the most to give back, those first that are not the leader. */
const mostWasteful = (
  { usages, storageBytes, canSpareOne }: Upkeep,
  isWorth: (waste: number, usage: MemberUsage) => boolean,
): MemberUsage | undefined =>
  usages
    .filter((usage) => canSpareOne && hasRoomFor(usage, storageBytes) && isWorth(usage.sizeBytes - usage.inUseBytes, usage))
    .toSorted((a, b) => Number(a.isLeader) - Number(b.isLeader) || b.sizeBytes - b.inUseBytes - (a.sizeBytes - a.inUseBytes))[0]

/** At which the store takes no more writes: the first member that is full raises the alarm for all. */
export const quotaInForce = ({ usages, quotaBytes }: Pick<Upkeep, 'usages' | 'quotaBytes'>): number =>
  Math.min(quotaBytes, ...usages.map((usage) => usage.quotaBytes ?? quotaBytes))

/** The next member to be started for the larger quota that it has by now, the leader last. Only of a store that is full: no other pod ends for a disk that grows. */
const toRestart = ({ usages, quotaBytes, isWhole }: Upkeep): MemberUsage | undefined =>
  isWhole
    ? usages
        .filter((usage) => usage.quotaBytes !== undefined && usage.quotaBytes < quotaBytes)
        .toSorted((a, b) => Number(a.isLeader) - Number(b.isLeader))[0]
    : undefined

/** Pure: what the disks say decides. One action at a time, so never more than one member is busy with it. */
export const nextUpkeep = (upkeep: Upkeep): UpkeepAction => {
  const { usages, alarms } = upkeep
  const quotaBytes = quotaInForce(upkeep)
  if (alarms.some(({ kind }) => kind === 'CORRUPT')) return { kind: 'corrupt' }
  if (alarms.some(({ kind }) => kind === 'NOSPACE')) {
    const small = toRestart(upkeep)
    if (small) return { kind: 'restart', ordinal: small.ordinal }
    const enough = quotaBytes * (1 - roomForWrites)
    const fullest = usages.toSorted((a, b) => b.inUseBytes - a.inUseBytes)[0]
    if (fullest && fullest.inUseBytes > enough) return { kind: 'full', usage: fullest }
    const tooLarge = usages.filter(({ sizeBytes }) => sizeBytes > enough)
    if (tooLarge.length === 0) return { kind: 'disarm' }
    const wasteful = mostWasteful({ ...upkeep, usages: tooLarge }, () => true)
    return wasteful ? { kind: 'defragment', ordinal: wasteful.ordinal } : { kind: 'full', usage: tooLarge[0] as MemberUsage }
  }
  const wasteful = mostWasteful(
    upkeep,
    (waste, { sizeBytes }) =>
      sizeBytes > worthwhileBytes && (waste > sizeBytes / 2 || (sizeBytes > quotaBytes * 0.8 && waste > quotaBytes * 0.15)),
  )
  return wasteful ? { kind: 'defragment', ordinal: wasteful.ordinal } : { kind: 'none' }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / mebibyte)} MiB`

/** How full the fullest member is, when people should know: from four fifths on, in steps of five per cent, so that it is not news each time. */
export const fillText = (upkeep: Pick<Upkeep, 'usages' | 'quotaBytes'>): string | undefined => {
  const { usages } = upkeep
  const quotaBytes = quotaInForce(upkeep)
  const share = Math.max(0, ...usages.map(({ sizeBytes }) => sizeBytes / quotaBytes))
  return share < 0.8 ? undefined : `over ${Math.floor(share * 20) * 5} % of its ${mebibytes(quotaBytes)} are taken`
}

/** What is told of a store that takes no writes any more, and what to do. */
export const fullText = ({ inUseBytes }: MemberUsage, quotaBytes: number): string =>
  `etcd is full and takes no writes: ${mebibytes(inUseBytes)} of ${mebibytes(quotaBytes)} are in use. Delete objects of the tenant (deleting still works): writes are taken again by themselves when a tenth is free. Or give it larger disks: spec.dataStore.storageSize, of which two fifths are for this`
