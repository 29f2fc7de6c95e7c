import { join } from 'node:path'
import { stringify } from 'yaml'
import { berthImage } from '../../hack/berth-image.ts'
import {
  downCluster,
  ensureCluster,
  joinClusters,
  type LocalCluster,
  loadImages,
  partClusters,
  podCidrOf,
} from '../../hack/cluster/index.ts'
import { type Kubectl, kubectlFor } from '../../hack/cluster/kubectl.ts'
import { applyBerth } from '../../hack/install/index.ts'
import { printProgress } from '../../hack/progress.ts'
import { attempt } from '../../hack/run.ts'
import { twoClusterNames } from '../two-cluster-names.ts'
import { apply, world } from './kubectl.ts'

const cli = join(import.meta.dirname, '../../src/bin/cli.ts')

/** A management cluster and a super cluster, each with its side of Berth. */
export interface TwoClusters {
  readonly management: Kubectl
  readonly inSuper: Kubectl
  readonly superNode: { readonly name: string; readonly ip: string }
  /** Nothing goes between them, without a word. */
  part(): Promise<void>
  join(): Promise<void>
  /** The `berth` command with both kubeconfigs where it takes them; `output` is both stdout and stderr. */
  berth(...args: readonly string[]): Promise<{ code: number | undefined; output: string }>
  /** The same with management's alone. */
  berthInManagement(...args: readonly string[]): Promise<{ code: number | undefined; output: string }>
}

const system = 'berth-system'

/** The kubeconfig with which one of Berth's processes comes to super, as docs/operations/super-cluster.md makes it. */
const superKubeconfig = async (inSuper: Kubectl, account: string, server: string): Promise<string> => {
  const secret = await inSuper(['get', 'secret', `${account}-token`, '-n', system, '-o', 'json'])
  const { data } = JSON.parse(secret) as { data: Record<string, string> }
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'super', cluster: { server, 'certificate-authority-data': data['ca.crt'] } }],
    users: [{ name: account, user: { token: Buffer.from(data['token'] ?? '', 'base64').toString('utf8') } }],
    contexts: [{ name: 'super', context: { cluster: 'super', user: account } }],
    'current-context': 'super',
  })
}

const clusterNames = () => twoClusterNames(world().clusterName)

/** Takes both away, however far they came. */
export const downTwoClusters = async (): Promise<void> => {
  await Promise.all(clusterNames().map((name) => downCluster({ name, progress: printProgress() })))
}

/** Brings both up, joins their networks, and installs Berth as an operator of two clusters does. */
export const startTwoClusters = async (): Promise<TwoClusters> => {
  const progress = printProgress()
  const names = clusterNames()
  const image = await berthImage(progress)
  const up = async (name: string): Promise<LocalCluster> => {
    const cluster = await ensureCluster({ name, nodes: 1, progress })
    await loadImages(cluster, [image])
    return cluster
  }
  const [home, away] = await Promise.all([up(names[0]), up(names[1])])
  await joinClusters(...names)
  const management = kubectlFor(home.binaries.kubectl, home.kubeconfigPath)
  const inSuper = kubectlFor(away.binaries.kubectl, away.kubeconfigPath)
  // vn-agent waits for the keys that the manager brings: the super side is complete when the management side is.
  const superSide = applyBerth(inSuper, image, { side: 'apart/super', progress })
  const given = async (): Promise<void> => {
    await inSuper(
      [
        'wait',
        '--for=jsonpath={.data.token}',
        'secret/berth-manager-token',
        'secret/berth-syncer-token',
        '-n',
        system,
        '--timeout=60s',
      ],
      {
        timeoutMs: 70_000,
      },
    )
    const secrets = await Promise.all(
      ['berth-manager', 'berth-syncer'].map(async (account) => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${account}-super`, namespace: system },
        stringData: { kubeconfig: await superKubeconfig(inSuper, account, away.apiServer) },
      })),
    )
    await apply(management, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: system } })
    await apply(management, ...secrets)
  }
  await Promise.race([
    superSide,
    inSuper(['wait', '--for=create', 'secret/berth-syncer-token', '-n', system, '--timeout=60s'], { timeoutMs: 70_000 }),
  ])
  await given()
  await Promise.all([superSide, applyBerth(management, image, { side: 'apart/management', progress })])
  const cidrs = `BERTH_SUPER_POD_CIDRS=${await podCidrOf(names[1])}`
  await management(['set', 'env', 'deployment/berth-manager', cidrs, '-n', system])
  await management(['rollout', 'status', 'deployment/berth-manager', '-n', system, '--timeout=120s'], { timeoutMs: 130_000 })
  const run = async (args: readonly string[]) => {
    const { code, output } = await attempt(process.execPath, [cli, ...args, '--kubeconfig', home.kubeconfigPath], {
      timeoutMs: 120_000,
    })
    return { code, output }
  }
  const [node] = away.nodes
  if (!node) throw new Error(`cluster ${names[1]} has no node`)
  return {
    management,
    inSuper,
    superNode: { name: node.name, ip: node.ip },
    part: () => partClusters(...names),
    join: () => joinClusters(...names),
    berth: (...args) => run([...args, '--super-kubeconfig', away.kubeconfigPath]),
    berthInManagement: (...args) => run(args),
  }
}
