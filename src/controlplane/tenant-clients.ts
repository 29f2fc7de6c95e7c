import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import type { TenantRef } from '../tenancy/names.ts'
import { hashOf } from './apply.ts'
import { type PlanePlace, tenantEndpoint } from './endpoints.ts'
import { bootstrapUser } from './names.ts'
import { issueLeaf } from './pki/issue.ts'
import type { Roots } from './pki/keys.ts'

/** Clients of tenants' API servers, and what is known to be in place there. All of it can be lost and is then found out again. */
export interface TenantClients {
  /** As a member of system:masters, by a certificate of one hour that lies in this process's memory only: for what no stored identity may do. */
  bootstrap(plane: PlanePlace & { readonly tenant: Pick<TenantRef, 'uid'> }, roots: Roots, now: Date): Promise<KubeClient>
  /** The same person at one pod's own address, `host:port`. The caller closes it. */
  bootstrapAt(address: string, roots: Roots, now: Date): Promise<KubeClient>
  /** With a kubeconfig exactly as it was published. */
  published(uid: string, kubeconfig: string): KubeClient
  /** True when `hash` of the tenant's own objects was seen in place within the last ten minutes. */
  isSettled(uid: string, hash: string, now: Date): boolean
  settled(uid: string, hash: string, now: Date): void
  /** The tenant's own objects are to be looked at again. */
  unsettle(uid: string): void
  forget(uid: string): Promise<void>
  close(): Promise<void>
}

const bootstrapLife = 3_600_000
const settledFor = 10 * 60_000

interface Kept {
  readonly key: string
  readonly client: KubeClient
  readonly until: number
}

export const createTenantClients = (connect: (connection: KubeConnection) => KubeClient): TenantClients => {
  const bootstrap = new Map<string, Kept>()
  const published = new Map<string, Kept>()
  const settled = new Map<string, { hash: string; until: number }>()

  const drop = async (clients: Map<string, Kept>, uid: string): Promise<void> => {
    const kept = clients.get(uid)
    clients.delete(uid)
    await kept?.client.close()
  }
  const keep = (clients: Map<string, Kept>, uid: string, kept: Kept): KubeClient => {
    const old = clients.get(uid)
    clients.set(uid, kept)
    // Calls in flight on the old client end by themselves; nobody waits for them.
    void old?.client.close().catch(() => {})
    return kept.client
  }

  const issued = ({ cluster }: Roots['authorities'], now: Date) =>
    issueLeaf(cluster, {
      subject: { commonName: bootstrapUser, organization: 'system:masters' },
      usages: ['client'],
      notBefore: new Date(now.getTime() - 5 * 60_000),
      notAfter: new Date(now.getTime() + bootstrapLife),
    })

  return {
    bootstrap: async (plane, { authorities, trust }, now) => {
      const { uid } = plane.tenant
      const server = tenantEndpoint(plane)
      const ca = trust.authorities.cluster
      const key = hashOf([server, authorities.cluster.cert, ca])
      const kept = bootstrap.get(uid)
      if (kept?.key === key && kept.until > now.getTime()) return kept.client
      const { cert, key: clientKey } = await issued(authorities, now)
      const client = connect({ server, ca, clientCert: cert, clientKey })
      return keep(bootstrap, uid, { key, client, until: now.getTime() + bootstrapLife / 2 })
    },
    bootstrapAt: async (address, { authorities, trust }, now) => {
      const { cert, key: clientKey } = await issued(authorities, now)
      // A name of its certificate: addresses are no server names (RFC 6066).
      const tlsServerName = 'kubernetes.default.svc'
      return connect({ server: `https://${address}`, ca: trust.authorities.cluster, clientCert: cert, clientKey, tlsServerName })
    },
    published: (uid, kubeconfig) => {
      const key = hashOf(kubeconfig)
      const kept = published.get(uid)
      if (kept?.key === key) return kept.client
      return keep(published, uid, { key, client: connect(parseKubeconfig(kubeconfig)), until: Number.POSITIVE_INFINITY })
    },
    isSettled: (uid, hash, now) => {
      const known = settled.get(uid)
      return known?.hash === hash && known.until > now.getTime()
    },
    settled: (uid, hash, now) => void settled.set(uid, { hash, until: now.getTime() + settledFor }),
    unsettle: (uid) => void settled.delete(uid),
    forget: async (uid) => {
      settled.delete(uid)
      await Promise.all([drop(bootstrap, uid), drop(published, uid)])
    },
    close: async () => {
      const uids = new Set([...bootstrap.keys(), ...published.keys()])
      await Promise.all([...uids].flatMap((uid) => [drop(bootstrap, uid), drop(published, uid)]))
    },
  }
}
