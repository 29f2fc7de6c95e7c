import { webhookRefusal } from '../kube/webhook-refusal.ts'
import { AppError, type ErrorCode, errorCodes, hasCode } from '../lib/errors.ts'
import { type Fault, pointerOfField } from './faults.ts'

/** An answer that says what went wrong (RFC 9457), and what to do. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly requestId: string
  readonly errors?: readonly Fault[]
}

/** What fastify throws of a request that no handler saw. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'REQUEST_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'REQUEST_INVALID',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_INVALID',
  FST_ERR_BAD_URL: 'REQUEST_INVALID',
}

/** The words of management's API server without the call that they were an answer to. */
const said = ({ message }: Error): string => message.replace(/^[A-Z]+ \/\S* ?: /, '').slice(0, 2000)

interface Cause {
  readonly field?: unknown
  readonly message?: unknown
}

/** Wrong fields as the API server lists them; what it says of metadata is of the fields that the API makes it from. */
const faultsOfCauses = (causes: unknown): readonly Fault[] =>
  (Array.isArray(causes) ? (causes as readonly Cause[]) : []).flatMap(({ field, message }) =>
    typeof field === 'string' && typeof message === 'string'
      ? [{ pointer: pointerOfField(field.replace(/^metadata\./, '').replace(/^<nil>$/, '')), detail: message.slice(0, 500) }]
      : [],
  )

interface Meant {
  readonly code: ErrorCode
  readonly detail: string
  readonly errors?: readonly Fault[]
}

const unavailable = (detail: string): Meant => ({ code: 'MANAGEMENT_UNAVAILABLE', detail })

/** An error of the management cluster in the words of who called: its names, addresses and rights are none of theirs. */
const ofManagement = (error: AppError): Meant | undefined => {
  const refusal = webhookRefusal(error)
  if (refusal?.kind === 'denied') return { code: 'SPEC_REFUSED', detail: said(error) }
  const { code } = error
  if (code === 'KUBE_INVALID' || code === 'KUBE_BAD_REQUEST') {
    const errors = faultsOfCauses(error.details['causes'])
    return { code: 'SPEC_REFUSED', detail: said(error), ...(errors.length > 0 && { errors }) }
  }
  if (code === 'KUBE_CONFLICT')
    return { code: 'STATE_CONFLICT', detail: 'it was changed at the same time: read it again, and ask once more' }
  if (code === 'KUBE_FORBIDDEN') {
    return /being terminated/.test(error.message)
      ? { code: 'STATE_CONFLICT', detail: 'the organisation is being deleted' }
      : unavailable('the management cluster refuses the API server of Berth: its operator can see why in its log')
  }
  // All others of its API server, whatever they are.
  return code.startsWith('KUBE_') || code === 'DEADLINE_EXCEEDED'
    ? unavailable('the management cluster does not answer as it should; ask again in a while, with the same Idempotency-Key')
    : undefined
}

const meaningOf = (error: unknown): Meant => {
  if (error instanceof AppError) {
    const known = ofManagement(error)
    if (known) return known
    const errors = error.details['errors']
    return { code: error.code, detail: error.message, ...(Array.isArray(errors) && { errors: errors as readonly Fault[] }) }
  }
  const { code } = (error ?? {}) as { code?: unknown }
  const ofFramework = typeof code === 'string' && Object.hasOwn(frameworkCodes, code) ? frameworkCodes[code] : undefined
  if (ofFramework !== undefined && error instanceof Error) return { code: ofFramework, detail: error.message }
  // JSON that does not parse: the parser throws its own error, with this mark.
  if (error instanceof SyntaxError && (error as { statusCode?: unknown }).statusCode === 400)
    return { code: 'REQUEST_INVALID', detail: 'the body is not JSON' }
  return { code: 'INTERNAL', detail: 'something went wrong in Berth; its log says what, under this request id' }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** The one writer of what an error is to the outside. What is not known to be fit for it is not told. */
export const problemOf = (error: unknown, requestId: string): Problem => {
  const { code, detail, errors } = meaningOf(error)
  const status = errorCodes[code].http
  return {
    type: 'about:blank',
    title: titles[status] ?? 'Error',
    status,
    detail,
    code,
    requestId,
    ...(errors && { errors }),
  }
}

/** Seconds after which it is worth while to ask again; undefined when it is not by itself. */
export const retryAfterSeconds = (error: unknown, status: number): number | undefined => {
  const wait = error instanceof AppError ? error.details['retryAfterMs'] : undefined
  if (typeof wait === 'number') return Math.min(600, Math.max(1, Math.ceil(wait / 1000)))
  return status === 503 || status === 429 ? 1 : undefined
}

/** True for an answer that would be the same again: not for what passes by itself. */
export const isFinal = (error: unknown): boolean => {
  const { status } = problemOf(error, '')
  return status >= 400 && status < 500 && status !== 429 && !hasCode(error, 'KUBE_CONFLICT', 'STATE_CONFLICT')
}
