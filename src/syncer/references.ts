import type { ObjectDependency } from './resource.ts'

const none: ReadonlySet<string> = new Set()

/** `resource/namespace/name` of something a tenant object refers to. */
export const referenceKey = ({ resource, name }: ObjectDependency, namespace: string): string =>
  `${resource}/${namespace}/${name}`

/** Who refers to whom in one tenant, both ways. ConfigMaps and Secrets go down only while somebody refers to them. */
export class ReferenceIndex {
  readonly #targets = new Map<string, ReadonlySet<string>>()
  readonly #referrers = new Map<string, Set<string>>()

  /** Replaces what `referrer` refers to; returns the targets whose being-referred-to may have changed. */
  set(referrer: string, targets: ReadonlySet<string>): readonly string[] {
    const before = this.#targets.get(referrer) ?? none
    const changed: string[] = []
    for (const target of before) {
      if (targets.has(target)) continue
      const referrers = this.#referrers.get(target)
      referrers?.delete(referrer)
      if (referrers?.size === 0) this.#referrers.delete(target)
      changed.push(target)
    }
    for (const target of targets) {
      if (before.has(target)) continue
      const referrers = this.#referrers.get(target)
      if (referrers) referrers.add(referrer)
      else this.#referrers.set(target, new Set([referrer]))
      changed.push(target)
    }
    if (targets.size > 0) this.#targets.set(referrer, targets)
    else this.#targets.delete(referrer)
    return changed
  }

  isReferred(target: string): boolean {
    return this.#referrers.has(target)
  }

  referrersOf(target: string): ReadonlySet<string> {
    return this.#referrers.get(target) ?? none
  }
}
