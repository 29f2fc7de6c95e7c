import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { admissionFolder, keyFolder } from '../controlplane/components/keys-volume.ts'
import { kubeApiServer } from '../controlplane/components/kube-apiserver.ts'
import { admissionFiles } from '../controlplane/components/told/files.ts'
import { secretNames } from '../controlplane/names.ts'
import { isWatchingClients } from '../controlplane/pki/files.ts'
import type { SecretData } from '../controlplane/pki/generations.ts'
import type { Roots, Secrets } from '../controlplane/pki/keys.ts'
import type { KubeClient } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { type Child, startChild } from './child.ts'
import { eventually } from './eventually.ts'
import { aPlane } from './plane-builders.ts'
import { freePorts } from './ports.ts'
import { testBinaries } from './test-binaries.ts'
import { writeAdmissionFiles } from './told-server.ts'

/** etcd and an API server as plain processes, with the flags and the files of a tenant's control plane. */
export interface TlsPlane {
  readonly server: string
  readonly ports: { readonly etcd: number; readonly apiServer: number }
  /** What a kubelet does when a Secret has changed: the files change, the processes run on. */
  deliver(secrets: Secrets): Promise<void>
  /** What a roll does: both processes start anew, with the flags that go with the roots. */
  roll(roots: Roots): Promise<void>
  readonly pids: () => readonly number[]
  /** As a client that trusts `ca`. */
  clientOf(credentials: {
    readonly ca: string
    readonly cert?: string
    readonly key?: string
    readonly token?: string
  }): KubeClient
  apiServerLog(): Promise<string>
  stop(): Promise<void>
}

/** Flags of etcd's configuration file (data-stores/etcd-config.ts) that are about keys. */
const etcdFlags = (folder: string, data: string, [client, peer]: readonly [number, number]): string[] => [
  `--data-dir=${data}`,
  `--listen-client-urls=https://127.0.0.1:${client}`,
  `--advertise-client-urls=https://127.0.0.1:${client}`,
  `--listen-peer-urls=https://127.0.0.1:${peer}`,
  `--initial-advertise-peer-urls=https://127.0.0.1:${peer}`,
  `--initial-cluster=default=https://127.0.0.1:${peer}`,
  '--client-cert-auth=true',
  `--trusted-ca-file=${folder}/ca.crt`,
  `--cert-file=${folder}/server.crt`,
  `--key-file=${folder}/server.key`,
  '--peer-client-cert-auth=true',
  `--peer-trusted-ca-file=${folder}/ca.crt`,
  `--peer-cert-file=${folder}/peer.crt`,
  `--peer-key-file=${folder}/peer.key`,
  '--unsafe-no-fsync',
  '--log-level=warn',
]

/** The very flags of the component, but for addresses, which are pods'. */
const apiServerFlags = (folder: string, admission: string, roots: Roots, [etcd, port]: readonly [number, number]): string[] => {
  const [deployment] = kubeApiServer.desired(aPlane({}, { watchesClients: isWatchingClients(roots) }))
  if (!deployment) throw new Error('the component has no Deployment')
  const [, ...flags] = deployment.spec.template.spec.containers[0].command as string[]
  const own = /^--(advertise-address|secure-port|etcd-servers|disable-admission-plugins|shutdown-delay-duration)=/
  return [
    ...flags
      .filter((flag) => !own.test(flag))
      .map((flag) => flag.replaceAll(keyFolder, folder).replaceAll(admissionFolder, admission)),
    `--etcd-servers=https://127.0.0.1:${etcd}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    // Nothing here makes the default accounts.
    '--disable-admission-plugins=TaintNodesByCondition,ServiceAccount',
  ]
}

/** Nothing runs before the first `deliver` and `roll`. */
export const openTlsPlane = async (): Promise<TlsPlane> => {
  const binaries = await testBinaries()
  const folder = await mkdtemp(join(tmpdir(), 'berth-tls-'))
  const file = (...path: string[]): string => join(folder, ...path)
  const [etcdPort = 0, peerPort = 0, apiServerPort = 0] = await freePorts(3)
  const server = `https://127.0.0.1:${apiServerPort}`
  const folders: Readonly<Record<string, string>> = { [secretNames.etcd]: 'etcd', [secretNames.kubeApiServer]: 'api' }
  for (const name of [...Object.values(folders), 'data', 'admission']) await mkdir(file(name), { mode: 0o700 })
  await writeAdmissionFiles(admissionFiles(aPlane()), file('admission'))
  const clients: KubeClient[] = []
  let children: { readonly etcd: Child; readonly apiServer: Child } | undefined

  const end = async (): Promise<void> => {
    await children?.apiServer.end('SIGKILL')
    await children?.etcd.end('SIGKILL')
  }
  const clientOf: TlsPlane['clientOf'] = ({ ca, cert, key, token }) => {
    const connection = {
      server,
      ca,
      ...(cert !== undefined && { clientCert: cert }),
      ...(key !== undefined && { clientKey: key }),
      ...(token !== undefined && { token: () => token }),
    }
    const client = createKubeClient(connection, { userAgent: 'test' })
    clients.push(client)
    return client
  }
  const write = async (name: string, data: SecretData): Promise<void> => {
    for (const [key, text] of Object.entries(data)) {
      await writeFile(file(name, `${key}.new`), text, { mode: 0o600 })
      await rename(file(name, `${key}.new`), file(name, key))
    }
  }
  return {
    server,
    ports: { etcd: etcdPort, apiServer: apiServerPort },
    deliver: async (secrets) => {
      for (const [secret, name] of Object.entries(folders)) await write(name, secrets.get(secret) ?? {})
    },
    roll: async (roots) => {
      await end()
      const etcd = startChild(binaries.etcd, etcdFlags(file('etcd'), file('data'), [etcdPort, peerPort]), file('etcd.log'))
      const flags = apiServerFlags(file('api'), file('admission'), roots, [etcdPort, apiServerPort])
      const apiServer = startChild(binaries.kubeApiServer, flags, file('api.log'))
      children = { etcd, apiServer }
      const probe = clientOf({ ca: roots.trust.authorities.cluster })
      const ready = async (): Promise<boolean> => {
        const { status, body } = await probe.raw('/readyz', { timeoutMs: 2000 })
        if (status !== 200) throw new Error(body.slice(-300))
        return true
      }
      try {
        await eventually(ready, { describe: 'the API server', deadlineMs: 60_000, everyMs: 100 })
      } catch (error) {
        throw new Error(`${String(error)}\n${await apiServer.logTail()}\n${await etcd.logTail()}`, { cause: error })
      }
    },
    pids: () => [children?.etcd, children?.apiServer].flatMap((child) => (child?.exit() === undefined ? [child?.pid ?? -1] : [])),
    clientOf,
    apiServerLog: () => readFile(file('api.log'), 'utf8'),
    stop: async () => {
      await Promise.all(clients.map((client) => client.close()))
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
