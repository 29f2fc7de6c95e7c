/** Keys from `start` up to, and without, `end`. */
export interface KeyRange {
  readonly start: Buffer
  readonly end: Buffer
}

/** What a role of etcd allows. */
export interface Permission extends KeyRange {
  readonly type: string
}

/** All keys below a prefix, which ends with a slash: up to the first key after them all. */
export const rangeOfPrefix = (prefix: string): KeyRange => ({
  start: Buffer.from(prefix),
  end: Buffer.from(`${prefix.slice(0, -1)}${String.fromCharCode('/'.charCodeAt(0) + 1)}`),
})

/** True for the permission to read and write this range, no more and no less. */
export const isExactly = ({ type, start, end }: Permission, range: KeyRange): boolean =>
  type.toLowerCase() === 'readwrite' && start.equals(range.start) && end.equals(range.end)
