import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { admissionFolder, keyFolder } from '../controlplane/components/keys-volume.ts'
import { dataFolder } from '../controlplane/data-stores/etcd-config.ts'
import { storeInForce } from '../controlplane/data-stores/in-force.ts'
import { apiServerAdmissionConfig, etcdMembersConfig, secretNames } from '../controlplane/names.ts'
import { refOf } from '../controlplane/observe.ts'
import { issueLeaf } from '../controlplane/pki/issue.ts'
import type { KubeClient } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { type Child, startChild } from './child.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './ports.ts'
import { testBinaries } from './test-binaries.ts'
import { writeAdmissionFiles } from './told-server.ts'

/** The programs of one tenant's control plane, run with the flags, files and keys that Berth gave their pods. */
export interface TenantPrograms {
  /** As administrator of the tenant. */
  readonly client: KubeClient
  /** What the API server wrote. */
  log(): Promise<string>
  /** SIGKILL of the API server, and a new one with the same flags. */
  restart(): Promise<void>
  /** Port of the tenant's own etcd; undefined without one. */
  readonly etcdPort: number | undefined
  stop(): Promise<void>
}

/** Of a control plane, as it is in the management cluster. */
export const readPlaneSecret = async (
  kube: KubeClient,
  tenant: TenantControlPlane,
  name: string,
): Promise<Record<string, string>> => {
  const secret = await kube.get(resourceTypes.secrets, { name, namespace: controlPlaneNamespace(refOf(tenant)) })
  const data = Object.entries((secret?.data ?? {}) as Record<string, string>)
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))
}

/** Writes the files of a Secret of keys as a pod would see them, and says where. */
const writeKeysTo =
  (folder: string, kube: KubeClient, tenant: TenantControlPlane) =>
  async (secret: string): Promise<string> => {
    const at = join(folder, secret)
    await mkdir(at, { recursive: true })
    for (const [name, text] of Object.entries(await readPlaneSecret(kube, tenant, secret)))
      await writeFile(join(at, name), text.replaceAll(keyFolder, at), { mode: 0o600 })
    return at
  }

/** The first member of an etcd that is a tenant's own, with the configuration and the keys that Berth gave it. */
export interface TenantEtcd {
  readonly port: number
  stop(): Promise<void>
}

/** Starts it on loopback. `seed` is called with its data folder before, to put data there. */
export const startTenantEtcd = async (
  kube: KubeClient,
  tenant: TenantControlPlane,
  seed: (folder: string) => Promise<unknown> = (folder) => mkdir(join(folder, 'data'), { recursive: true, mode: 0o700 }),
): Promise<TenantEtcd> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-etcd-'))
  const namespace = controlPlaneNamespace(refOf(tenant))
  const [binaries, [port, peerPort, metricsPort]] = await Promise.all([testBinaries(), freePorts(3)])
  const keys = await writeKeysTo(folder, kube, tenant)(secretNames.etcd)
  const config = await kube.get(resourceTypes.configMaps, { name: etcdMembersConfig, namespace })
  const data = join(folder, 'etcd')
  const text = String(config?.data['etcd-0.yaml'])
    .replaceAll(keyFolder, keys)
    .replaceAll(dataFolder, data)
    .replace('0.0.0.0:2379', `127.0.0.1:${port}`)
    .replace('0.0.0.0:2380', `127.0.0.1:${peerPort}`)
    .replace('0.0.0.0:2381', `127.0.0.1:${metricsPort}`)
  await mkdir(data, { recursive: true })
  await seed(data)
  await writeFile(join(folder, 'etcd.yaml'), text)
  const etcd = startChild(binaries.etcd, [`--config-file=${join(folder, 'etcd.yaml')}`], join(folder, 'etcd.log'))
  return {
    port: port ?? 0,
    stop: async () => {
      await etcd.end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Starts what a kubelet would start of kube-apiserver, and of etcd where the tenant has its own and none is given, on loopback. Only addresses and ports
 * differ.
 */
export const startTenantPrograms = async (
  kube: KubeClient,
  tenant: TenantControlPlane,
  etcd?: TenantEtcd,
): Promise<TenantPrograms> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-tenant-'))
  const namespace = controlPlaneNamespace(refOf(tenant))
  const [binaries, [port]] = await Promise.all([testBinaries(), freePorts(1)])
  const children: Child[] = []
  const clients: KubeClient[] = []
  const writeKeys = writeKeysTo(folder, kube, tenant)
  let own: TenantEtcd | undefined
  const stop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()))
    await Promise.all(children.map((child) => child.end('SIGKILL')))
    await own?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const isDedicated = storeInForce(tenant).kind === 'dedicated'
    if (isDedicated && !etcd) own = await startTenantEtcd(kube, tenant)
    const etcdPort = (etcd ?? own)?.port
    const keys = await writeKeys(secretNames.kubeApiServer)
    const admission = join(folder, 'admission')
    await mkdir(admission)
    const files = await kube.get(resourceTypes.configMaps, { name: apiServerAdmissionConfig, namespace })
    await writeAdmissionFiles(files, admission)
    const deployment = await kube.get(resourceTypes.deployments, { name: 'kube-apiserver', namespace })
    const [, ...given] = (deployment?.spec.template.spec.containers[0].command ?? []) as string[]
    const flags = given
      .filter((flag) => !flag.startsWith('--advertise-address=') && !flag.startsWith('--secure-port='))
      .map((flag) => flag.replaceAll(keyFolder, keys).replaceAll(admissionFolder, admission))
      .map((flag) => (isDedicated && flag.startsWith('--etcd-servers=') ? `--etcd-servers=https://localhost:${etcdPort}` : flag))
    const ownFlags = [
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      '--endpoint-reconciler-type=none',
      `--cert-dir=${folder}`,
    ]
    const logPath = join(folder, 'kube-apiserver.log')
    const authority = await readPlaneSecret(kube, tenant, secretNames.clusterAuthority)
    const signer = { cert: authority['tls.crt'] ?? '', key: authority['tls.key'] ?? '' }
    const { cert, key } = await issueLeaf(signer, {
      subject: { commonName: 'test', organization: 'system:masters' },
      usages: ['client'],
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
    })
    const connection = { server: `https://127.0.0.1:${port}`, ca: signer.cert, clientCert: cert, clientKey: key }
    const client = createKubeClient(connection, { userAgent: 'berth-test' })
    clients.push(client)
    let apiServer: Child | undefined
    const start = async (): Promise<void> => {
      apiServer = startChild(binaries.kubeApiServer, [...flags, ...ownFlags], logPath)
      children.push(apiServer)
      await eventually(
        async () => {
          if (apiServer?.exit() !== undefined) throw new Error(`it ended: ${await apiServer.logTail()}`)
          const { status, body } = await client.raw('/readyz', { timeoutMs: 2000 })
          if (status !== 200) throw new Error(body.slice(-500))
          return true
        },
        { describe: 'the API server of the tenant', deadlineMs: 45_000, everyMs: 100 },
      )
    }
    await start()
    return {
      client,
      etcdPort: isDedicated ? etcdPort : undefined,
      log: () => readFile(logPath, 'utf8'),
      restart: async () => {
        await apiServer?.end('SIGKILL')
        await start()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
