import { execa } from 'execa'
import { untilLine } from '../../hack/lines.ts'
import { createStoreClient, type StoreClient } from '../../src/controlplane/data-stores/store-client.ts'
import { issueAuthority, issueLeaf, type KeyPair } from '../../src/controlplane/pki/issue.ts'
import { etcdContainer } from '../fixtures/etcd-container.ts'
import { apply, superKubectl, world } from './kubectl.ts'
import { namespace, secret } from './objects.ts'
import { podReady } from './wait.ts'

/** An operator's etcd in super, with auth, behind a Service whose port is not that of the pod. */
export interface StoreFixture {
  readonly endpoint: string
  readonly authority: KeyPair
  readonly root: KeyPair
  client(commonName: string): Promise<KeyPair>
  /** etcdctl as root, in etcd's own pod. */
  etcdctl(...args: readonly string[]): Promise<string>
  /** Asks etcd with somebody's keys, from outside of the cluster. */
  asking<T>(keys: KeyPair, work: (client: StoreClient) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

const place = 'story-store'
const listens = 12379
const hour = 3_600_000

/** The start of a command in etcd's own pod. */
const asRoot = [
  '/usr/local/bin/etcdctl',
  `--endpoints=https://127.0.0.1:${listens}`,
  '--cacert=/keys/ca.crt',
  '--cert=/keys/root.crt',
  '--key=/keys/root.key',
]

const etcdPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'etcd', namespace: place, labels: { app: 'etcd' } },
  spec: {
    containers: [etcdContainer({ namespace: place, port: listens, dataDir: '/data' })],
    volumes: [
      { name: 'keys', secret: { secretName: 'keys' } },
      { name: 'data', emptyDir: {} },
    ],
  },
}

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'etcd', namespace: place },
  spec: { selector: { app: 'etcd' }, ports: [{ name: 'client', port: 2379, targetPort: 'client' }] },
}

/** Starts it, with a user root and auth enabled. */
export const startStoreFixture = async (): Promise<StoreFixture> => {
  const life = { notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + 24 * hour) }
  const authority = await issueAuthority({ subject: { commonName: 'story-store' }, ...life })
  const client = (commonName: string) => issueLeaf(authority, { subject: { commonName }, usages: ['client'], ...life })
  const root = await client('root')
  const server = await issueLeaf(authority, {
    subject: { commonName: 'etcd' },
    usages: ['server', 'client'],
    names: ['localhost', '127.0.0.1', `etcd.${place}.svc`],
    ...life,
  })
  const stop = async () => {
    await superKubectl(['delete', 'namespace', place, '--ignore-not-found'], { timeoutMs: 90_000 })
  }
  await stop()
  const keys = {
    'ca.crt': authority.cert,
    'server.crt': server.cert,
    'server.key': server.key,
    'root.crt': root.cert,
    'root.key': root.key,
  }
  await apply(superKubectl, namespace(place))
  await apply(superKubectl, secret(place, 'keys', keys), service, etcdPod)
  await podReady(superKubectl, place, 'etcd')
  const etcdctl = (...args: readonly string[]) => superKubectl(['exec', '-n', place, 'etcd', '--', ...asRoot, ...args])
  await etcdctl('user', 'add', 'root', '--no-password')
  await etcdctl('user', 'grant-role', 'root', 'root')
  await etcdctl('auth', 'enable')
  return {
    endpoint: `https://etcd.${place}.svc:2379`,
    authority,
    root,
    client,
    etcdctl,
    asking: async ({ cert, key }, work) => {
      const { kubectl, superKubeconfig } = world()
      const forward = execa(
        kubectl,
        ['--kubeconfig', superKubeconfig, 'port-forward', '-n', place, 'pod/etcd', '--address=127.0.0.1', `:${listens}`],
        { reject: false, all: true, timeout: 60_000 },
      )
      try {
        const port = await untilLine(forward.stdout, (line) => /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1])
        const asked = createStoreClient({ endpoints: [`https://localhost:${port}`], ca: authority.cert, cert, key })
        try {
          return await work(asked)
        } finally {
          asked.close()
        }
      } finally {
        forward.kill()
        await forward
      }
    },
    stop,
  }
}
