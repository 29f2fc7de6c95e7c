import type { SyncContext } from '../resource.ts'
import type { Pod } from './pod.ts'

/** Linux takes 64 bytes, the last of them NUL as the kubelet counts; longer ones it cuts. */
export const maxHostname = 63

/** The host name of a pod without its domain, as kubelets make it. */
export const shortHostname = ({ metadata, spec }: Pod): string =>
  spec.hostname || (metadata.name ?? '').slice(0, maxHostname).replace(/[-.]+$/, '')

/** The name that a pod with a subdomain has in its tenant's DNS; undefined for one without. */
export const fullHostname = (pod: Pod, { clusterDomain }: Pick<SyncContext, 'clusterDomain'>): string | undefined => {
  const { subdomain, hostNetwork, hostnameOverride } = pod.spec
  if (!subdomain || hostNetwork || hostnameOverride) return undefined
  return `${shortHostname(pod)}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`
}

/**
 * The name that `hostname` gives in a pod that asks for its FQDN as its host name, or undefined when the plain name stands. Super's kubelet would build it
 * from super's namespace; `hostnameOverride` (KEP-4762) says it outright.
 */
export const fqdnHostname = (pod: Pod, ctx: Pick<SyncContext, 'clusterDomain'>): string | undefined =>
  pod.spec.setHostnameAsFQDN ? fullHostname(pod, ctx) : undefined
