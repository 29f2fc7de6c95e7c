/** Plain counters, for metrics and tests. */
export interface InformerStats {
  /** Full lists completed, the first included. */
  readonly lists: number
  /** Watches started. */
  readonly watches: number
  /** Failed lists and watches. */
  readonly failures: number
  /** Events taken from watches, bookmarks included. */
  readonly events: number
  /** What failed last; undefined after a success. */
  readonly lastError: unknown
}
