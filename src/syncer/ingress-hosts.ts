/** `taken`: another tenant has the host, or one that overlaps with it. `lost`: this one has it in super too, and came later. */
export type HostStanding = 'free' | 'taken' | 'lost'

/** An object of a tenant that wants hosts. */
export interface HostClaimant {
  /** Key of its kind. */
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** What claims hosts in super: an Ingress, a Gateway or a route. */
export interface HostClaim {
  readonly tenantUid: string
  /** When it was made in super, RFC 3339. */
  readonly since: string
}

export interface IngressHosts {
  /** Takes in the hosts that an object claims now; an empty list: none, or it is gone. Returns those that it has given up or gained. */
  set(key: string, claim: HostClaim, hosts: readonly string[]): readonly string[]
  /** How the object `key` stands to a host that it wants. */
  standingOf(host: string, key: string, tenantUid: string): HostStanding
}

/** Hosts that an Ingress draws requests of; the empty one is that of rules without a host, which get what nobody else claims. */
export const hostsOf = (spec: {
  readonly defaultBackend?: unknown
  readonly rules?: readonly { readonly host?: string }[]
  readonly tls?: readonly { readonly hosts?: readonly string[] }[]
}): readonly string[] => [
  ...new Set([
    ...(spec.defaultBackend ? [''] : []),
    ...(spec.rules ?? []).map(({ host = '' }) => host),
    ...(spec.tls ?? []).flatMap(({ hosts = [] }) => hosts),
  ]),
]

/** The domains that a host lies below: of `a.b.example` these are `b.example` and `example`. */
const domainsOf = (host: string): readonly string[] => {
  const labels = host.split('.')
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'))
}

/** True when a request may be meant for both. Controllers differ in how deep `*.` goes; here it goes all the way. */
export const overlaps = (a: string, b: string): boolean =>
  a === b || (a.startsWith('*.') && b.endsWith(a.slice(1))) || (b.startsWith('*.') && a.endsWith(b.slice(1)))

const isBefore = (a: HostClaim, b: HostClaim): boolean => (a.since === b.since ? a.tenantUid < b.tenantUid : a.since < b.since)

type Claims = Map<string, HostClaim>

/** Who claims which hosts in super, all tenants together: they share its Ingress and Gateway controllers. The first one has it. */
export const createIngressHosts = (): IngressHosts => {
  const byHost = new Map<string, Claims>()
  /** Hosts that are claimed below a domain: what a wildcard overlaps with. */
  const below = new Map<string, Set<string>>()
  const byKey = new Map<string, readonly string[]>()

  const forget = (key: string, host: string): void => {
    const claims = byHost.get(host)
    claims?.delete(key)
    if (claims?.size !== 0) return
    byHost.delete(host)
    for (const domain of domainsOf(host)) {
      below.get(domain)?.delete(host)
      if (below.get(domain)?.size === 0) below.delete(domain)
    }
  }
  const claim = (key: string, host: string, by: HostClaim): void => {
    const claims: Claims = byHost.get(host) ?? new Map<string, HostClaim>()
    claims.set(key, by)
    byHost.set(host, claims)
    for (const domain of domainsOf(host)) below.set(domain, (below.get(domain) ?? new Set<string>()).add(host))
  }
  const overlapping = (host: string): readonly string[] => [
    host,
    ...domainsOf(host).map((domain) => `*.${domain}`),
    ...(host.startsWith('*.') ? (below.get(host.slice(2)) ?? []) : []),
  ]

  return {
    set: (key, by, hosts) => {
      const before = byKey.get(key) ?? []
      for (const host of before) if (!hosts.includes(host)) forget(key, host)
      for (const host of hosts) claim(key, host, by)
      if (hosts.length > 0) byKey.set(key, hosts)
      else byKey.delete(key)
      return [...before.filter((host) => !hosts.includes(host)), ...hosts.filter((host) => !before.includes(host))]
    },
    standingOf: (host, key, tenantUid) => {
      const own = byHost.get(host)?.get(key)
      const isTaken = overlapping(host).some((each) =>
        [...(byHost.get(each)?.values() ?? [])].some(
          (other) => other.tenantUid !== tenantUid && (own === undefined || isBefore(other, own)),
        ),
      )
      if (!isTaken) return 'free'
      return own === undefined ? 'taken' : 'lost'
    },
  }
}
