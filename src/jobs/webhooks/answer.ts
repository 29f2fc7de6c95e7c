import { AppError } from '../../lib/errors.ts'

/** What the answer to a delivery means. */
export type AnswerVerdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly error: AppError }

/** Retry-After in ms: seconds, or a date. Undefined for anything else. */
export const retryAfterMs = (header: string | undefined, now: Date): number | undefined => {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000
  const date = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime())
}

/** 2xx is success, 410 the end of the endpoint; anything else is tried again, 3xx too: a redirect would lead past the checks of the address. */
export const judgeAnswer = (
  { status, retryAfter }: { readonly status: number; readonly retryAfter: string | undefined },
  host: string,
  now: Date,
): AnswerVerdict => {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone' }
  const wait = retryAfterMs(retryAfter, now)
  const why = status >= 300 && status < 400 ? ': redirects are not followed, set the URL that it leads to' : ''
  return {
    kind: 'failed',
    error: new AppError('WEBHOOK_FAILED', `${host} answered ${status}${why}`, {
      status,
      ...(wait !== undefined && { retryAfterMs: wait }),
    }),
  }
}
