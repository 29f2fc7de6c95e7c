import type { SyncContext } from '../resource.ts'
import type { V1PodDNSConfig, V1PodDNSConfigOption } from './json-types.ts'
import type { Pod } from './pod.ts'

/** Limits of the API and the kubelet (validation.MaxDNSNameservers and its neighbours). */
const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048
const maxDomainCharacters = 253

export interface PodDns {
  readonly dnsPolicy?: string
  readonly dnsConfig?: V1PodDNSConfig
}

const fittingSearches = (searches: readonly string[]): string[] => {
  const fitting: string[] = []
  let characters = 0
  for (const search of searches.slice(0, maxSearches)) {
    if (search.length > maxDomainCharacters) continue
    characters += search.length + (fitting.length > 0 ? 1 : 0)
    if (characters > maxSearchCharacters) break
    fitting.push(search)
  }
  return fitting
}

/** Later options win; an option keeps the place of its name. */
const mergedOptions = (options: readonly V1PodDNSConfigOption[]): V1PodDNSConfigOption[] => [
  ...new Map(options.map((option) => [option.name ?? '', option])).values(),
]

/**
 * The resolver of a pod: what a kubelet of the tenant's own would write for ClusterFirst, said outright, since super's kubelets know only super's DNS.
 * The node's own search domains are left out.
 */
export const podDns = ({ metadata, spec }: Pod, { dnsAddress, clusterDomain }: SyncContext): PodDns => {
  const { dnsPolicy = 'ClusterFirst', dnsConfig } = spec
  const usesCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !spec.hostNetwork)
  if (!usesCluster) {
    return { dnsPolicy: dnsPolicy === 'ClusterFirst' ? 'Default' : dnsPolicy, ...(dnsConfig && { dnsConfig }) }
  }
  const searches = [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  return {
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: [...new Set([dnsAddress, ...(dnsConfig?.nameservers ?? [])])].slice(0, maxNameservers),
      searches: fittingSearches([...new Set([...searches, ...(dnsConfig?.searches ?? [])])]),
      options: mergedOptions([{ name: 'ndots', value: '5' }, ...(dnsConfig?.options ?? [])]),
    },
  }
}
