import { AppError } from '../lib/errors.ts'

/** An admission webhook that kept a request from being carried out. */
export interface WebhookRefusal {
  /** Name of the webhook in its configuration. */
  readonly webhook: string
  /** `denied`: it said no. `unreachable`: it did not answer, and its failure policy is to refuse. */
  readonly kind: 'denied' | 'unreachable'
}

/** Words of kube-apiserver (k8s.io/apiserver pkg/admission/plugin/webhook: errors/statuserror.go, mutating/dispatcher.go, validating/dispatcher.go). */
const words = [
  { kind: 'unreachable', pattern: /failed calling webhook "([^"\s]{1,253})"/ },
  { kind: 'denied', pattern: /admission webhook "([^"\s]{1,253})" (?:denied the request|attempted to modify)/ },
] as const

/** Which webhook it was that an API server's refusal goes back to; undefined: none. */
export const webhookRefusal = (error: unknown): WebhookRefusal | undefined => {
  if (!(error instanceof AppError)) return undefined
  for (const { kind, pattern } of words) {
    const webhook = pattern.exec(error.message)?.[1]
    if (webhook !== undefined) return { webhook, kind }
  }
  return undefined
}

/** What people do about a webhook that stands in Berth's way. `user` is who it refuses. */
export const webhookRemedy = ({ webhook, kind }: WebhookRefusal, user: string): string =>
  kind === 'unreachable'
    ? `nobody answers for it: bring its Service back, set its failurePolicy to Ignore, or delete its configuration (kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations with the kubeconfig of the tenant; webhook ${webhook})`
    : `except the user ${user} in its rules, for example with matchConditions (webhook ${webhook})`
