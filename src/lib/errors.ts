/** How a controller goes on after an error: at once, with a growing pause, or not before the object changes. */
export type RetryPolicy = 'soon' | 'backoff' | 'never'

interface CodeRow {
  readonly retry: RetryPolicy
  /** Status of the HTTP API's answer. */
  readonly http: number
}

/** One row for each way to fail. Nothing else in the code base decides on retries or HTTP status. */
export const errorCodes = {
  CONFIG_INVALID: { retry: 'never', http: 500 },
  TENANT_NOT_FOUND: { retry: 'never', http: 404 },
  TENANT_UNREACHABLE: { retry: 'backoff', http: 503 },
  DATA_STORE_UNREACHABLE: { retry: 'backoff', http: 503 },
  DATA_STORE_REFUSED: { retry: 'backoff', http: 502 },
  SNAPSHOT_STORE_UNREACHABLE: { retry: 'backoff', http: 503 },
  SNAPSHOT_STORE_REFUSED: { retry: 'backoff', http: 502 },
  SNAPSHOT_NOT_FOUND: { retry: 'never', http: 404 },
  SNAPSHOT_UNREADABLE: { retry: 'never', http: 422 },
  INSTALL_REFUSED: { retry: 'never', http: 409 },
  TENANT_FROZEN: { retry: 'never', http: 409 },
  SPEC_INVALID: { retry: 'never', http: 400 },
  SLICE_EXHAUSTED: { retry: 'backoff', http: 409 },
  CERTIFICATE_INVALID: { retry: 'never', http: 500 },
  TRANSLATION_REFUSED: { retry: 'never', http: 422 },
  SUPER_OBJECT_FOREIGN: { retry: 'backoff', http: 409 },
  SUPER_UNREACHABLE: { retry: 'backoff', http: 503 },
  SUPER_MISMATCH: { retry: 'never', http: 409 },
  KUBE_BAD_REQUEST: { retry: 'backoff', http: 400 },
  KUBE_UNAUTHORIZED: { retry: 'backoff', http: 502 },
  KUBE_FORBIDDEN: { retry: 'backoff', http: 403 },
  KUBE_NOT_FOUND: { retry: 'backoff', http: 404 },
  KUBE_ALREADY_EXISTS: { retry: 'soon', http: 409 },
  KUBE_CONFLICT: { retry: 'soon', http: 409 },
  KUBE_GONE: { retry: 'soon', http: 410 },
  KUBE_INVALID: { retry: 'backoff', http: 422 },
  KUBE_TOO_LARGE: { retry: 'backoff', http: 502 },
  KUBE_TOO_MANY_REQUESTS: { retry: 'backoff', http: 429 },
  KUBE_SERVER_ERROR: { retry: 'backoff', http: 502 },
  KUBE_UNREACHABLE: { retry: 'backoff', http: 503 },
  KUBE_TIMEOUT: { retry: 'backoff', http: 504 },
  JOB_NOT_FOUND: { retry: 'never', http: 404 },
  JOB_CONFLICT: { retry: 'soon', http: 409 },
  QUEUE_FULL: { retry: 'backoff', http: 503 },
  QUEUE_UNREACHABLE: { retry: 'backoff', http: 503 },
  WEBHOOK_FAILED: { retry: 'backoff', http: 502 },
  WEBHOOK_REFUSED: { retry: 'never', http: 422 },
  DEADLINE_EXCEEDED: { retry: 'backoff', http: 504 },
  REQUEST_INVALID: { retry: 'never', http: 400 },
  UNAUTHENTICATED: { retry: 'never', http: 401 },
  SCOPE_MISSING: { retry: 'never', http: 403 },
  ROUTE_NOT_FOUND: { retry: 'never', http: 404 },
  ORGANIZATION_NOT_FOUND: { retry: 'never', http: 404 },
  API_KEY_NOT_FOUND: { retry: 'never', http: 404 },
  KUBECONFIG_NOT_FOUND: { retry: 'never', http: 404 },
  OPERATION_NOT_FOUND: { retry: 'never', http: 404 },
  WEBHOOK_NOT_FOUND: { retry: 'never', http: 404 },
  METHOD_NOT_ALLOWED: { retry: 'never', http: 405 },
  API_KEY_TOLD: { retry: 'never', http: 409 },
  ALREADY_EXISTS: { retry: 'never', http: 409 },
  ORGANIZATION_IN_USE: { retry: 'never', http: 409 },
  OPERATION_NOT_CANCELLABLE: { retry: 'never', http: 409 },
  QUOTA_EXCEEDED: { retry: 'never', http: 409 },
  STATE_CONFLICT: { retry: 'never', http: 409 },
  PRECONDITION_FAILED: { retry: 'never', http: 412 },
  BODY_TOO_LARGE: { retry: 'never', http: 413 },
  MEDIA_TYPE_UNSUPPORTED: { retry: 'never', http: 415 },
  SPEC_REFUSED: { retry: 'never', http: 422 },
  IDEMPOTENCY_MISMATCH: { retry: 'never', http: 422 },
  RATE_LIMITED: { retry: 'backoff', http: 429 },
  INTERNAL: { retry: 'backoff', http: 500 },
  MANAGEMENT_UNAVAILABLE: { retry: 'backoff', http: 503 },
} as const satisfies Record<string, CodeRow>

export type ErrorCode = keyof typeof errorCodes

/** The one error class. The message says what happened to what, and what to do; `details` never holds a secret. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, { cause, ...details }: { cause?: unknown; [key: string]: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }

  get policy(): CodeRow {
    return errorCodes[this.code]
  }
}

/** True when `error` is an AppError with one of the codes. */
export const hasCode = (error: unknown, ...codes: readonly ErrorCode[]): error is AppError =>
  error instanceof AppError && codes.includes(error.code)

/** One line for a person: the message and the messages of its causes, each once. */
export const explainError = (error: unknown): string => {
  const parts: string[] = []
  for (let current = error; current !== undefined && current !== null && parts.length < 5; ) {
    const text = current instanceof Error ? current.message : (JSON.stringify(current) ?? typeof current)
    if (!parts.some((part) => part.includes(text))) parts.push(text)
    current = current instanceof Error ? current.cause : undefined
  }
  return parts.join(': ')
}
