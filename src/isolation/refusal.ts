import { explainError, hasCode } from '../lib/errors.ts'

/** What a write came to. `unknown`: it failed for another reason than that it is not allowed. */
export type Answer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unknown'; readonly message: string }

/** A quota that is used up, or not counted yet, refuses everything: that says nothing of the object. */
const isOfQuota = (message: string): boolean => /exceeded quota|status unknown for quota/.test(message)

/** Only a word of authorization, admission or validation counts as a refusal. */
export const answerOf = (error: unknown): Answer => {
  const message = explainError(error)
  return hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_INVALID', 'KUBE_BAD_REQUEST') && !isOfQuota(message)
    ? { kind: 'refused', message }
    : { kind: 'unknown', message }
}

/** What a write comes to. An abort is thrown on. */
export const answered = async (write: () => Promise<unknown>, signal: AbortSignal): Promise<Answer> => {
  try {
    await write()
    return { kind: 'taken' }
  } catch (error) {
    signal.throwIfAborted()
    return answerOf(error)
  }
}
