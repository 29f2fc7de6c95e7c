import { AppError } from '../lib/errors.ts'

/** A signal of our own that ends with the caller's or when the time is over. `done()` must be called, or the timer stays. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Why the signal ended; undefined while it has not. */
  readonly ended: () => 'timeout' | 'caller' | undefined
  readonly done: () => void
}

/** Cheaper than AbortSignal.any + AbortSignal.timeout, which stay in memory until the timer fires, on a path used thousands of times a second. */
export const startDeadline = (timeoutMs: number, caller: AbortSignal | undefined): Deadline => {
  const controller = new AbortController()
  let ended: 'timeout' | 'caller' | undefined
  const end = (why: 'timeout' | 'caller', reason: unknown) => {
    ended ??= why
    controller.abort(reason)
  }
  const onAbort = () => end('caller', caller?.reason)
  const timer = setTimeout(() => end('timeout', new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  if (caller?.aborted) onAbort()
  else caller?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    ended: () => ended,
    done: () => {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onAbort)
    },
  }
}

/** What a call throws whose deadline ended: the caller's own reason when the caller stopped it, else KUBE_TIMEOUT. */
export const errorOfDeadline = (
  deadline: Deadline,
  caller: AbortSignal | undefined,
  server: string,
  call: string,
  timeoutMs: number,
): unknown => {
  const reason: unknown = caller?.reason
  const byCaller = deadline.ended() === 'caller' && !(reason instanceof DOMException && reason.name === 'TimeoutError')
  return byCaller ? reason : new AppError('KUBE_TIMEOUT', `${call}: ${server} did not answer in time`, { server, timeoutMs })
}
