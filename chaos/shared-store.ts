import { etcdContainer } from '../e2e/fixtures/etcd-container.ts'
import { type Kubectl } from '../hack/cluster/kubectl.ts'
import { until } from '../hack/processes.ts'
import { issueAuthority, issueLeaf } from '../src/controlplane/pki/issue.ts'
import { systemNamespace } from '../src/tenancy/names.ts'

/** The DataStore of tenants that share an etcd. */
export const sharedStoreName = 'chaos-pool'
/** Where its etcd is, as an operator would have it: in super, with a volume, with auth. */
export const sharedStorePlace = { namespace: 'chaos-store', selector: 'app=etcd' }

const { namespace } = sharedStorePlace
const hour = 3_600_000

const etcd = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'etcd', namespace },
  spec: {
    serviceName: 'etcd',
    replicas: 1,
    selector: { matchLabels: { app: 'etcd' } },
    template: {
      metadata: { labels: { app: 'etcd' } },
      spec: {
        containers: [etcdContainer({ namespace, port: 2379, dataDir: '/data/etcd' })],
        volumes: [{ name: 'keys', secret: { secretName: 'keys' } }],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
  },
}

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'etcd', namespace },
  spec: { selector: { app: 'etcd' }, ports: [{ name: 'client', port: 2379, targetPort: 'client' }] },
}

/** The start of a command in etcd's own pod. */
const asRoot = [
  '/usr/local/bin/etcdctl',
  '--endpoints=https://127.0.0.1:2379',
  '--cacert=/keys/ca.crt',
  '--cert=/keys/root.crt',
  '--key=/keys/root.key',
]

const secretOf = (name: string, of: string, stringData: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: of },
  stringData,
})

/** Takes it away, with what a run that was cut off has left. */
export const removeSharedStore = async (kubectl: Kubectl): Promise<void> => {
  await kubectl(['delete', 'datastore', sharedStoreName, '--ignore-not-found', '--timeout=60s'], { timeoutMs: 70_000 })
  await kubectl(['delete', 'secret', sharedStoreName, '-n', systemNamespace, '--ignore-not-found'])
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=90s'], { timeoutMs: 100_000 })
}

/** Starts an etcd, turns its auth on, and tells Berth of it. */
export const makeSharedStore = async (kubectl: Kubectl): Promise<void> => {
  const life = { notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + 48 * hour) }
  const authority = await issueAuthority({ subject: { commonName: 'chaos-store' }, ...life })
  const root = await issueLeaf(authority, { subject: { commonName: 'root' }, usages: ['client'], ...life })
  const server = await issueLeaf(authority, {
    subject: { commonName: 'etcd' },
    usages: ['server', 'client'],
    names: ['localhost', '127.0.0.1', `etcd.${namespace}.svc`],
    ...life,
  })
  const apply = (...items: readonly object[]): Promise<string> =>
    kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) })
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const keys = {
    'ca.crt': authority.cert,
    'server.crt': server.cert,
    'server.key': server.key,
    'root.crt': root.cert,
    'root.key': root.key,
  }
  await apply(secretOf('keys', namespace, keys), service, etcd)
  const etcdctl = (...args: readonly string[]): Promise<string> =>
    kubectl(['exec', '-n', namespace, 'etcd-0', '--', ...asRoot, ...args])
  let words = ''
  await until(
    'the shared etcd answering',
    90_000,
    () =>
      etcdctl('endpoint', 'health').then(
        () => true,
        (error: unknown) => {
          words = String(error)
          return false
        },
      ),
    { everyMs: 500, seen: () => words },
  )
  await etcdctl('user', 'add', 'root', '--no-password')
  await etcdctl('user', 'grant-role', 'root', 'root')
  await etcdctl('auth', 'enable')
  const forBerth = { 'ca.crt': authority.cert, 'tls.crt': root.cert, 'tls.key': root.key, 'ca.key': authority.key }
  await apply(secretOf(sharedStoreName, systemNamespace, forBerth), {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'DataStore',
    metadata: { name: sharedStoreName },
    spec: { endpoints: [`https://etcd.${namespace}.svc:2379`], secretRef: { name: sharedStoreName } },
  })
  await kubectl(['wait', '--for=condition=Ready', `datastore/${sharedStoreName}`, '--timeout=60s'], { timeoutMs: 70_000 })
}
