import { superKubectl } from './kubectl.ts'
import type { Tenant } from './tenant.ts'

const keys = '/etc/berth/keys'
const asMember = [
  'etcdctl',
  '--endpoints=https://localhost:2379',
  `--cacert=${keys}/ca.crt`,
  `--cert=${keys}/peer.crt`,
  `--key=${keys}/peer.key`,
]

/** etcdctl in the first pod of a tenant's own etcd, past its API server. */
export const tenantEtcdctl = ({ controlPlaneNamespace }: Tenant, ...args: readonly string[]): Promise<string> =>
  superKubectl(['exec', '-n', controlPlaneNamespace, 'etcd-0', '--', ...asMember, ...args])

/** The bytes of one key, as they lie in a tenant's etcd. */
export const storedIn = async (tenant: Tenant, key: string): Promise<Buffer> => {
  const answer = await tenantEtcdctl(tenant, 'get', key, '--write-out=json')
  const { kvs = [] }: { readonly kvs?: readonly { readonly value: string }[] } = JSON.parse(answer)
  const [found] = kvs
  if (!found) throw new Error(`etcd of ${tenant.name} has no ${key}`)
  return Buffer.from(found.value, 'base64')
}
