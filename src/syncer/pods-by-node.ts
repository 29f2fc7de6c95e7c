/** Which pods of a tenant are on which node: a tenant sees the nodes that run its pods. */
export class PodsByNode {
  readonly #pods = new Map<string, Set<string>>()
  readonly #nodes = new Map<string, string>()

  /** Records a pod's node (undefined: none, or the pod is gone). Returns the nodes that gained their first or lost their last pod. */
  set(pod: string, node: string | undefined): readonly string[] {
    const before = this.#nodes.get(pod)
    if (before === node) return []
    const changed: string[] = []
    if (before !== undefined) {
      const pods = this.#pods.get(before)
      pods?.delete(pod)
      if (pods?.size === 0) {
        this.#pods.delete(before)
        changed.push(before)
      }
      this.#nodes.delete(pod)
    }
    if (node !== undefined) {
      this.#nodes.set(pod, node)
      const pods = this.#pods.get(node)
      if (pods) pods.add(pod)
      else {
        this.#pods.set(node, new Set([pod]))
        changed.push(node)
      }
    }
    return changed
  }

  isUsed(node: string): boolean {
    return this.#pods.has(node)
  }
}
