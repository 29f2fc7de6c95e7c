import { AppError, type ErrorCode } from '../lib/errors.ts'

/** What an API server's failed answer says, as far as it is a `Status` object. */
interface StatusBody {
  kind?: string
  reason?: string
  message?: string
  details?: { name?: string; kind?: string; causes?: unknown; retryAfterSeconds?: number }
}

const codeOf = (status: number, reason: string | undefined): ErrorCode => {
  switch (status) {
    case 401:
      return 'KUBE_UNAUTHORIZED'
    case 403:
      return 'KUBE_FORBIDDEN'
    case 404:
      return 'KUBE_NOT_FOUND'
    case 409:
      return reason === 'AlreadyExists' ? 'KUBE_ALREADY_EXISTS' : 'KUBE_CONFLICT'
    case 410:
      return 'KUBE_GONE'
    case 422:
      return 'KUBE_INVALID'
    case 429:
      return 'KUBE_TOO_MANY_REQUESTS'
    case 504:
      return 'KUBE_TIMEOUT'
    default:
      return status >= 500 ? 'KUBE_SERVER_ERROR' : 'KUBE_BAD_REQUEST'
  }
}

/** A longer answer is no Status that an API server makes, and is not worth its parsing. */
const longestStatus = 1024 * 1024
/** What a server says goes into logs and Events. */
const longestMessage = 16 * 1024

const parseStatus = (body: string): StatusBody => {
  if (body.length > longestStatus) return {}
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}

/** A failed call, as far as an error message needs it. */
export interface FailedCall {
  readonly server: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly retryAfter?: string
  readonly body: string
}

/** Milliseconds of a Retry-After header: seconds, or an HTTP date. Undefined when it says nothing usable. */
export const retryAfterMs = (header: string | undefined, now: number): number | undefined => {
  if (!header) return undefined
  if (/^\d{1,6}$/.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** An API server's refusal as AppError. The message is the server's; details hold `reason`, `status`, `retryAfterMs`, `causes`, `objectName`. */
export const errorOfAnswer = (call: FailedCall, now = Date.now()): AppError => {
  const status = parseStatus(call.body)
  const path = call.path.split('?', 1)[0]
  const message = typeof status.message === 'string' ? status.message.slice(0, longestMessage) : ''
  const said = message || call.body.slice(0, 300).trim() || `HTTP ${call.status}`
  const wait = retryAfterMs(call.retryAfter, now) ?? (status.details?.retryAfterSeconds ?? 0) * 1000
  return new AppError(codeOf(call.status, status.reason), `${call.method} ${path}: ${said}`, {
    server: call.server,
    status: call.status,
    reason: status.reason,
    ...(status.kind === 'Status' && status.details?.name !== undefined && { objectName: status.details.name }),
    ...(status.details?.causes !== undefined && { causes: status.details.causes }),
    ...(wait > 0 && { retryAfterMs: wait }),
  })
}

/** True when the object is not there; false when the server does not know the resource, which is another matter. */
export const isObjectMissing = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'KUBE_NOT_FOUND' && typeof error.details['objectName'] === 'string'

/** The ERROR event of a watch as AppError. An expired resourceVersion is KUBE_GONE, whether told by code or by reason. */
export const errorOfWatchEvent = (
  server: string,
  plural: string,
  { code, reason, message }: { code?: number; reason?: string; message?: string },
): AppError => {
  const gone = code === 410 || reason === 'Expired' || reason === 'Gone'
  const status = gone ? 410 : (code ?? 500)
  const said = String(message ?? reason ?? 'error without a message').slice(0, longestMessage)
  return new AppError(codeOf(status, reason), `watch ${plural}: ${said}`, {
    server,
    status,
    reason,
  })
}

const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])

const codeOfCause = (error: unknown): string => {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** A transport failure as AppError: KUBE_TIMEOUT or KUBE_UNREACHABLE, with its cause. */
export const errorOfTransport = (server: string, call: string, cause: unknown): AppError => {
  if (cause instanceof AppError) return cause
  const code = codeOfCause(cause)
  const text = cause instanceof Error ? cause.message || code : String(cause)
  return timeouts.has(code)
    ? new AppError('KUBE_TIMEOUT', `${call}: ${server} did not answer in time (${text})`, { server, cause })
    : new AppError('KUBE_UNREACHABLE', `${call}: ${server} cannot be reached (${text})`, { server, cause })
}

const resets = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])
/** True for a connection that the other side had closed, as an idle pooled one may be: a read may be tried once more. */
export const isConnectionReset = (error: unknown): boolean => resets.has(codeOfCause(error))
