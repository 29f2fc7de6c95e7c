/**
 * How far a tenant's pods are with going to sleep or waking, as the syncer notes it in its Lease. While there is a note, a pod that is not in super has not
 * ended: it is made there anew, and the tenant never hears that it was away. No note: pods run.
 */
export interface Hibernation {
  /** `ending`: pods in super are being ended. `ended`: none runs there. `waking`: they are being made anew. */
  readonly phase: 'ending' | 'ended' | 'waking'
  /** Pods that are still to end, or to be made; those that cannot be made now are not counted. */
  readonly left: number
}

/** As it stands in the annotation of the Lease. */
export const hibernationText = ({ phase, left }: Hibernation): string => `${phase}: ${left}`

/** The note of an annotation; undefined when there is none, or none that can be read. */
export const readHibernation = (text: string | undefined): Hibernation | undefined => {
  const [, phase, left] = /^(ending|ended|waking): (\d+)$/.exec(text ?? '') ?? []
  return phase === undefined ? undefined : { phase: phase as Hibernation['phase'], left: Number(left) }
}

/** True when all pods run in super that can. */
export const hasWoken = (hibernation: Hibernation | undefined): boolean =>
  hibernation === undefined || (hibernation.phase === 'waking' && hibernation.left === 0)
