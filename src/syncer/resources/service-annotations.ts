import { isNamed } from './ingress-annotations.ts'

/** Domains, and ends of domains, whose annotations load balancers act upon: which addresses a Service gets, and who reaches it there. */
const balancerDomains: readonly string[] = [
  'service.beta.kubernetes.io',
  'service.kubernetes.io',
  'cloud.google.com',
  'networking.gke.io',
  'metallb.io',
  'metallb.universe.tf',
  'kube-vip.io',
  'cilium.io',
  'io.cilium',
  'purelb.io',
  'loxilb.io',
  'load-balancer.hetzner.cloud',
  'loadbalancer.openstack.org',
  'oci.oraclecloud.com',
  'oci-network-load-balancer.oraclecloud.com',
  'kubernetes.digitalocean.com',
]

const ofBalancer = (key: string): boolean => {
  const [domain = '', name] = key.split('/', 2)
  return name !== undefined && balancerDomains.some((known) => domain === known || domain.endsWith(`.${known}`))
}

/** Read by super's own controllers, and harmless: whether traffic stays in its zone. */
const harmless: readonly string[] = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints']

/** Those that super gets. The rest is of use to the tenant's own controllers only, or asks for what is not the tenant's. */
export const superAnnotations = (
  annotations: Readonly<Record<string, string>> = {},
  allowed: readonly string[],
): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => isNamed(key, [...harmless, ...allowed])))

/**
 * The annotation for which a load balancer cannot be asked for: without it, that it is to be an internal one for example, it would be another one.
 * `allowed` are the keys that the operator lets through.
 */
export const refusedAnnotation = (
  annotations: Readonly<Record<string, string>> = {},
  allowed: readonly string[],
): string | undefined => Object.keys(annotations).find((key) => ofBalancer(key) && !isNamed(key, [...harmless, ...allowed]))
