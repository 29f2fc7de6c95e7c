/** An answer of super that is no stream, put into the tenant's words. */
export interface TenantAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const reasonOf = (contentType: string, body: string): string => {
  if (!contentType.startsWith('application/json')) return body
  try {
    const status: unknown = JSON.parse(body)
    if (typeof status === 'object' && status !== null && 'message' in status && typeof status.message === 'string')
      return status.message
  } catch {
    // Not JSON after all: the text is what there is to tell.
  }
  return body
}

/**
 * What the tenant's API server is told when super refuses: the status and the reason as plain text, as a kubelet answers, with the tenant's
 * namespace and UID in place of super's. What is about the agent's own account, never the tenant's, becomes 502.
 */
export const answerForTenant = (
  answer: { readonly status: number; readonly contentType: string; readonly body: string },
  names: {
    readonly superNamespace: string
    readonly namespace: string
    readonly identity: string
    readonly superUid: string
    readonly uid: string
  },
  isAboutAgent: (status: number) => boolean,
): TenantAnswer => {
  if (isAboutAgent(answer.status)) {
    return { status: 502, contentType: 'text/plain; charset=utf-8', body: 'the agent could not sign in to the super cluster\n' }
  }
  const reason = reasonOf(answer.contentType, answer.body)
    .replaceAll(names.superNamespace, names.namespace)
    .replaceAll(names.identity, 'the tenant')
    .replaceAll(names.superUid, names.uid)
    .trimEnd()
  return { status: answer.status, contentType: 'text/plain; charset=utf-8', body: `${reason}\n` }
}
