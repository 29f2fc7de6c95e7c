import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { type Child, startChild } from './child.ts'
import { freePorts } from './ports.ts'
import { auditFlags, readRightsSeen } from './rights-seen.ts'
import { type ServedMinor, testBinaries } from './test-binaries.ts'
import { createTestPki } from './test-pki.ts'

export interface TestApiServerOptions {
  /** More flags for kube-apiserver, after ours, so that they win. */
  readonly flags?: readonly string[]
  /** Kubernetes minor; default: the newest served. */
  readonly minor?: ServedMinor
  /** Default 60 s: a start takes five, on a busy machine more. */
  readonly deadlineMs?: number
  /** Goes on with the data in the etcd of another one, whose own API server was killed. That one's `stop` ends it. */
  readonly storeOf?: Pick<TestApiServer, 'etcdUrl'>
  /** Rights that Berth's accounts are refused here because the test wants it so, as `tenant create /pods`. */
  readonly refused?: readonly string[]
}

/** A real kube-apiserver with an etcd of its own, on loopback. */
export interface TestApiServer {
  /** As cluster administrator. */
  readonly client: KubeClient
  /** Of the cluster administrator. */
  readonly connection: KubeConnection
  readonly kubeconfigPath: string
  /** Folder of its files: `ca.crt`, `ca.key`, logs. Gone after `stop`. */
  readonly folder: string
  /** Without TLS, on loopback. */
  readonly etcdUrl: string
  /** Another identity, by client certificate. */
  connectionAs(user: string, groups?: readonly string[]): Promise<KubeConnection>
  /** SIGKILL of the API server; etcd stays. */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data, and waits until it is ready. */
  restart(): Promise<void>
  /** Ends both, empties etcd and starts both again: the same address and keys, another cluster. */
  replaceStore(): Promise<void>
  /** SIGSTOP: connections stay open and silent. */
  freeze(): void
  thaw(): void
  /** Compacts etcd at its newest revision, so that older resourceVersions are gone. */
  compact(): Promise<void>
  /** Ends both and removes all files. Throws when a right was missing: when it refused requests of Berth's accounts. */
  stop(): Promise<void>
}

/** Starts etcd and kube-apiserver, ready to be asked. What fails is thrown with the end of the log. */
export const startApiServer = async ({
  flags = [],
  minor,
  deadlineMs = 60_000,
  storeOf,
  refused = [],
}: TestApiServerOptions = {}): Promise<TestApiServer> => {
  const binaries = await testBinaries(minor)
  const folder = await mkdtemp(join(tmpdir(), 'berth-test-'))
  const file = (name: string) => join(folder, name)
  const children: { etcd?: Child; apiServer?: Child } = {}
  const clients: KubeClient[] = []

  const stop = async () => {
    await Promise.all(clients.map((client) => client.close()))
    await children.apiServer?.end('SIGKILL') // its graceful end waits for watches
    await children.etcd?.end('SIGKILL')
    const seen = await readRightsSeen(folder)
    await rm(folder, { recursive: true, force: true })
    const missing = seen.refused.filter((right) => !refused.includes(right))
    if (missing.length > 0) throw new Error(`Berth asked for what its manifests give no right to: ${missing.join(', ')}`)
  }

  try {
    const [[etcdPort, peerPort, port], pki] = await Promise.all([freePorts(3), createTestPki(folder)])
    const etcdUrl = storeOf?.etcdUrl ?? `http://127.0.0.1:${etcdPort}`
    const peerUrl = `http://127.0.0.1:${peerPort}`
    const etcdFlags = [
      `--data-dir=${file('etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]
    const startEtcd = async () => {
      await mkdir(file('etcd'), { mode: 0o700 })
      children.etcd = startChild(binaries.etcd, etcdFlags, file('etcd.log'))
    }
    if (!storeOf) await startEtcd()

    const connection: KubeConnection = {
      server: `https://127.0.0.1:${port}`,
      ca: pki.ca,
      ...(await pki.client('admin', ['system:masters'])),
    }
    const client = createKubeClient(connection, { userAgent: 'berth-test' })
    clients.push(client)
    const kubeconfigPath = file('admin.kubeconfig')
    await writeFile(kubeconfigPath, kubeconfigText(connection), { mode: 0o600 })
    const audit = await auditFlags(folder)

    const start = async () => {
      const apiServerFlags = [...apiServerFlagsOf({ folder, port: port ?? 0, etcdUrl }), ...audit, ...flags]
      const apiServer = startChild(binaries.kubeApiServer, apiServerFlags, file('kube-apiserver.log'))
      children.apiServer = apiServer
      const end = performance.now() + deadlineMs
      for (let seen = ''; ; ) {
        const failed = [apiServer, children.etcd].find((child) => child?.exit() !== undefined)
        if (failed || performance.now() > end) {
          throw new Error(
            `the API server is not ready (${failed ? `ended: ${failed.exit()}` : `after ${deadlineMs} ms`}; seen last: ${seen})\n` +
              `kube-apiserver: ${await apiServer.logTail()}\netcd: ${await children.etcd?.logTail()}`,
          )
        }
        try {
          const { status, body } = await client.raw('/readyz', { timeoutMs: 2000 })
          if (status === 200) return
          seen = `${status} ${body.slice(-500)}`
        } catch (error) {
          seen = error instanceof Error ? error.message : String(error)
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    await start()

    const etcdCall = async (path: string, body: unknown): Promise<{ header?: { revision?: string } }> => {
      const response = await fetch(`${etcdUrl}/v3/kv/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      })
      if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as { header?: { revision?: string } }
    }

    return {
      client,
      connection,
      kubeconfigPath,
      folder,
      etcdUrl,
      connectionAs: async (user, groups) => ({ server: connection.server, ca: pki.ca, ...(await pki.client(user, groups)) }),
      kill: async () => children.apiServer?.end('SIGKILL'),
      restart: async () => {
        await children.apiServer?.end('SIGKILL')
        await start()
      },
      replaceStore: async () => {
        await children.apiServer?.end('SIGKILL')
        await children.etcd?.end('SIGKILL')
        await rm(file('etcd'), { recursive: true })
        await startEtcd()
        await start()
      },
      freeze: () => children.apiServer?.signal('SIGSTOP'),
      thaw: () => children.apiServer?.signal('SIGCONT'),
      compact: async () => {
        const { header } = await etcdCall('range', { key: 'AA==', limit: '1' })
        await etcdCall('compaction', { revision: header?.revision, physical: true })
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const apiServerFlagsOf = ({ folder, port, etcdUrl }: { folder: string; port: number; etcdUrl: string }): string[] => [
  `--etcd-servers=${etcdUrl}`,
  `--secure-port=${port}`,
  '--bind-address=127.0.0.1',
  '--endpoint-reconciler-type=none', // it refuses a loopback address
  `--cert-dir=${folder}`,
  `--client-ca-file=${folder}/ca.crt`,
  `--tls-cert-file=${folder}/server.crt`,
  `--tls-private-key-file=${folder}/server.key`,
  `--service-account-key-file=${folder}/sa.pub`,
  `--service-account-signing-key-file=${folder}/sa.key`,
  '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
  '--service-cluster-ip-range=10.96.0.0/16',
  '--authorization-mode=RBAC',
  '--allow-privileged=true',
  '--disable-admission-plugins=ServiceAccount', // no controller manager here makes the default accounts
  '--profiling=false',
]

/** A kubeconfig with everything in it. */
export const kubeconfigText = ({ server, ca, clientCert, clientKey, tlsServerName }: KubeConnection): string => {
  const base64 = (text = '') => Buffer.from(text).toString('base64')
  const cluster = {
    server,
    'certificate-authority-data': base64(ca),
    ...(tlsServerName !== undefined && { 'tls-server-name': tlsServerName }),
  }
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { 'client-certificate-data': base64(clientCert), 'client-key-data': base64(clientKey) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  })
}
