import { ensureBinaries } from '../binaries.ts'
import { kubectlFor } from './kubectl.ts'
import type { LocalCluster, Provider, ProviderName } from './provider.ts'

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string }
    readonly status: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] }
  }[]
}

/** What a cluster's own API tells of it. */
export const describeByApi = async ({
  kubectl,
  ...cluster
}: {
  provider: ProviderName
  name: string
  kubeconfigPath: string
  kubectl: string
}): Promise<LocalCluster> => {
  const ask = kubectlFor(kubectl, cluster.kubeconfigPath)
  const { items } = JSON.parse(await ask(['get', 'nodes', '-o', 'json'], { timeoutMs: 30_000 })) as NodeList
  return {
    ...cluster,
    apiServer: await ask(['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}']),
    nodes: items.map(({ metadata, status }) => ({
      name: metadata.name,
      ip: status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
    })),
    binaries: { kubectl },
  }
}

const kubeconfig = (): string => {
  const path = process.env['KUBECONFIG']
  if (!path) throw new Error('BERTH_CLUSTER=existing needs KUBECONFIG to name the kubeconfig of that cluster')
  return path
}

/** Somebody else's cluster: it is used as it is, and left up. Its nodes must be able to pull the images that are used. */
export const existing: Provider = {
  async ensure(name, _nodes, progress) {
    const { kubectl } = await ensureBinaries(['kubectl'], { progress })
    return describeByApi({ provider: 'existing', name, kubeconfigPath: kubeconfig(), kubectl })
  },
  async down() {},
  async status(name) {
    return { name, state: 'up', gaps: [], kubeconfigPath: kubeconfig() }
  },
  async load() {},
}
