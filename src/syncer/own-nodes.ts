import { isDeepStrictEqual } from 'node:util'
import type { NodePool } from '../apis/isolation.ts'
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

/** What is said of super's nodes beside what the tenant says of its own. */
export type SuperNodesView = Pick<NodeView, 'foreignPools' | 'taintKeys'>

/** Keys of the taints on nodes, each once and in order. */
export const taintKeysOf = (superNodes: readonly KubeObject[]): readonly string[] =>
  [...new Set(superNodes.flatMap(({ spec }) => ((spec?.taints ?? []) as { key: string }[]).map(({ key }) => key)))].toSorted()

/** What a tenant's Nodes say, kept from its watch. Most tenants say nothing of their own: then there is nothing to look through. */
export class OwnNodes implements NodeView {
  readonly #seen = new Map<string, SeenNode>()
  #superNodes: SuperNodesView = { foreignPools: [], taintKeys: [] }
  #speaking = 0
  #revision = 0

  get revision(): number {
    return this.#revision
  }

  get nodes(): readonly SeenNode[] {
    return this.#speaking === 0 ? [] : [...this.#seen.values()]
  }

  get foreignPools(): readonly NodePool[] {
    return this.#superNodes.foreignPools
  }

  get taintKeys(): readonly string[] {
    return this.#superNodes.taintKeys
  }

  /** Records what is new of super's nodes. True when pods that have no node yet may have to go elsewhere now. */
  hear(news: Partial<SuperNodesView>): boolean {
    const now = { ...this.#superNodes, ...news }
    if (isDeepStrictEqual(now, this.#superNodes)) return false
    this.#superNodes = now
    this.#revision += 1
    return true
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

/** The same of lists that were read once. */
export const viewOf = (nodes: readonly KubeObject[], superNodes: Partial<SuperNodesView> = {}): NodeView => {
  const view = new OwnNodes()
  view.hear(superNodes)
  for (const node of nodes) view.set(node.metadata.name ?? '', node)
  return view
}
