/**
 * What is refused of an object, as a list of messages in CEL that is empty when nothing is. It reads `variables.spec`, the spec of a pod or of a Service; of a
 * pod `variables.meta` too, its metadata, and `variables.containers`.
 */
export interface Rule {
  /** Name of a CEL variable. */
  readonly name: string
  readonly refused: string
  /** Of a debug container that is added to a running pod: refused too, or taken out of it and told. Unset: the rule is not about containers. */
  readonly debug?: 'refused' | 'left-out'
  /** It takes what only a pod has, such as its name: not for pod templates. */
  readonly onlyPods?: true
}
