import type { KubeObject } from '../../apis/kube-object.ts'
import type { SyncContext, Translation } from '../resource.ts'

/** What claims hosts, as messages say it. */
export interface HostWords {
  /** Key of the kind. */
  readonly key: string
  /** Start of the reasons. */
  readonly reason: 'Ingress' | 'Gateway' | 'Route'
  /** What stands for all hosts that nobody names. */
  readonly catchAll: string
}

const matchesHost = (host: string, pattern: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : host === pattern

/** Host names are shared by all who share a controller: a foreign one, or all of them, would draw others' requests. The empty one is all. */
export const foreignHost = (
  hosts: readonly string[],
  { reason, catchAll }: HostWords,
  { policy: { ingressHosts } }: Pick<SyncContext, 'policy'>,
): Translation | undefined => {
  if (ingressHosts === undefined) return undefined
  const foreign = hosts.find((host) => !ingressHosts.some((pattern) => matchesHost(host, pattern)))
  if (foreign === undefined) return undefined
  const message =
    foreign === ''
      ? `${catchAll} is for every host: each has to name one here, out of ${ingressHosts.join(', ')}`
      : `host ${foreign} is not among those given to this cluster: ${ingressHosts.join(', ')}`
  return { kind: 'refused', reason: `${reason}HostNotAllowed`, message }
}

/**
 * Who came first has a host, whatever the operator says of hosts in general. An object that reaches for one keeps what it had, as with any refused change;
 * but one that got it in the same moment as an earlier one goes in super: half of its requests are another's.
 */
export const takenHost = (
  hosts: readonly string[],
  { key, reason, catchAll }: HostWords,
  { claimant, ctx: { hostStanding } }: { readonly claimant: KubeObject; readonly ctx: Pick<SyncContext, 'hostStanding'> },
): Translation | undefined => {
  const { namespace = '', name = '' } = claimant.metadata
  const standings = hosts.map((host) => ({ host, standing: hostStanding(host, { kind: key, namespace, name }) }))
  const lost = standings.find(({ standing }) => standing === 'lost')
  const { host } = lost ?? standings.find(({ standing }) => standing === 'taken') ?? {}
  if (host === undefined) return undefined
  const what = host === '' ? `what no other host claims (${catchAll})` : `host ${host}, or one that overlaps with it,`
  return {
    kind: 'refused',
    reason: `${reason}HostTaken`,
    message: `${what} is claimed already by somebody else who is served here; choose another`,
    ...(lost && { withdrawn: true }),
  }
}
