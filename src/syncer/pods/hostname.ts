import type { SyncContext } from '../resource.ts'
import type { Pod } from './pod.ts'

/** Linux takes 64 bytes, the last of them NUL as the kubelet counts; longer ones it cuts. */
export const maxHostname = 63

/**
 * The name that `hostname` gives in a pod that asks for its FQDN as its host name, or undefined when the plain name stands. Super's kubelet would build it
 * from super's namespace; `hostnameOverride` (KEP-4762) says it outright.
 */
export const fqdnHostname = (
  { metadata, spec }: Pod,
  { clusterDomain }: Pick<SyncContext, 'clusterDomain'>,
): string | undefined => {
  if (!spec.setHostnameAsFQDN || !spec.subdomain || spec.hostNetwork) return undefined
  const host = spec.hostname || (metadata.name ?? '').slice(0, maxHostname).replace(/[-.]+$/, '')
  return `${host}.${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}`
}
