import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../apis/kube-object.ts'
import type { NodeView, SeenNode } from './resource.ts'
import { isMirrored } from './resources/mirrored.ts'
import { ownWords } from './resources/nodes.ts'

const hostnameLabel = 'kubernetes.io/hostname'

/** A Node as its tenant sees it, with what the tenant itself has said of it. */
export const seenNode = (node: KubeObject): SeenNode => {
  const { labels = {}, name = '' } = node.metadata
  const { labels: ownLabels, taints } = ownWords(node)
  return { hostname: labels[hostnameLabel] ?? name, labels, ownKeys: Object.keys(ownLabels), taints }
}

const saysSomething = ({ ownKeys, taints }: SeenNode): boolean => ownKeys.length > 0 || taints.length > 0

/** What a tenant's Nodes say, kept from its watch. Most tenants say nothing of their own: then there is nothing to look through. */
export class OwnNodes implements NodeView {
  readonly #seen = new Map<string, SeenNode>()
  #speaking = 0
  #revision = 0

  get revision(): number {
    return this.#revision
  }

  get nodes(): readonly SeenNode[] {
    return this.#speaking === 0 ? [] : [...this.#seen.values()]
  }

  /** Records a Node (undefined: gone). True when pods that have no node yet may have to go elsewhere now. */
  set(name: string, node: KubeObject | undefined): boolean {
    const before = this.#seen.get(name)
    // A Node that the tenant made itself is no machine.
    const now = node && isMirrored(node) ? seenNode(node) : undefined
    if (isDeepStrictEqual(before, now)) return false
    const spoke = this.#speaking > 0
    if (before && saysSomething(before)) this.#speaking -= 1
    if (now && saysSomething(now)) this.#speaking += 1
    if (now) this.#seen.set(name, now)
    else this.#seen.delete(name)
    if (!spoke && this.#speaking === 0) return false
    this.#revision += 1
    return true
  }
}

/** The same of a list that was read once. */
export const viewOf = (nodes: readonly KubeObject[]): NodeView => {
  const view = new OwnNodes()
  for (const node of nodes) view.set(node.metadata.name ?? '', node)
  return view
}
