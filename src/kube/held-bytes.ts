import { AppError } from '../lib/errors.ts'

/** What came in of one answer, or of one line, and is not read yet. */
export interface Hold {
  /** Notes one more piece. Throws KUBE_TOO_LARGE when all holds together are more than they may be. */
  add(bytes: number): void
  /** It is read or given up, all of it. */
  letGo(): void
}

/** A buffer's own weight beside its bytes, at least: a server may send a byte at a time. */
const pieceBytes = 64

/** One server's bytes that wait to be read, over all its answers and watches. Returns how a hold of them is made. */
export const createHeldBytes = (limit: number, server: string): (() => Hold) => {
  let all = 0
  return () => {
    let own = 0
    return {
      add: (bytes) => {
        own += bytes + pieceBytes
        all += bytes + pieceBytes
        if (all > limit) throw new AppError('KUBE_TOO_LARGE', `${server}: unfinished answers are over ${limit} bytes`, { limit })
      },
      letGo: () => {
        all -= own
        own = 0
      },
    }
  }
}
