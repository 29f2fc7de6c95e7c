/** How two sides disagree about one object, in the words of the tenant. */
export type DifferenceKind =
  /** The tenant has it, super does not. */
  | 'missing-in-super'
  /** Super has it under the tenant's label, the tenant asks for nothing of the kind. */
  | 'extra-in-super'
  /** Super has an object in this place whose marks name somebody else, or nobody. */
  | 'not-owned'
  /** The hash on the super object is not the hash of what is wanted. */
  | 'stale-in-super'
  /** A field of the super object is not as wanted. */
  | 'field-in-super'
  /** A write to the tenant is due: binding, status or fields. */
  | 'stale-in-tenant'
  | 'missing-in-tenant'
  | 'extra-in-tenant'

export interface Difference {
  readonly kind: DifferenceKind
  /** Plural of the resource: `pods`. */
  readonly resource: string
  /** Tenant namespace; `''` for cluster-scoped objects. */
  readonly namespace: string
  readonly name: string
  /** What exactly; never a value of a ConfigMap or Secret. */
  readonly detail: string
}

/** The same difference has the same text in every round: also what is wanted is part of it, so that an object in motion is not one that stands wrong. */
export const differenceId = ({ kind, resource, namespace, name, detail }: Difference): string =>
  [kind, resource, namespace, name, detail].join('\0')
