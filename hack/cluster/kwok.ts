import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBinaries } from '../binaries.ts'
import { until } from '../processes.ts'
import { type Progress, silent } from '../progress.ts'
import type { LocalCluster } from './index.ts'
import { type Kubectl, kubectlFor } from './kubectl.ts'
import { ensureRunning, logTail } from './machine.ts'
import { recordedPlan, replaceFile } from './state.ts'

/** Pods for a kwok node need this in their `nodeSelector`. */
export const kwokNodeLabel = { key: 'type', value: 'kwok' } as const
/** The taint of kwok nodes: only pods that tolerate it are for show. */
export const kwokTaint = { key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' } as const

/** From TEST-NET-3 (RFC 5737): nobody answers there. */
const nodeIp = '203.0.113.1'
/** Pods of kwok nodes get addresses from here, which lead nowhere (RFC 2544 benchmarking range). */
const podCidr = '198.18.0.0/15'
const podsPerNode = 1_000

const node = (name: string): unknown => {
  const capacity = { cpu: '1000', memory: '4Ti', 'ephemeral-storage': '4Ti', pods: String(podsPerNode) }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { [kwokTaint.key]: kwokTaint.value },
      labels: {
        [kwokNodeLabel.key]: kwokNodeLabel.value,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
      },
    },
    spec: { taints: [kwokTaint] },
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address: nodeIp },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        architecture: 'amd64',
        bootID: '',
        containerRuntimeVersion: 'kwok',
        kernelVersion: 'kwok',
        kubeProxyVersion: '',
        kubeletVersion: 'kwok',
        machineID: '',
        operatingSystem: 'linux',
        osImage: '',
        systemUUID: '',
      },
    },
  }
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string }
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
  }[]
}

const readyNodes = async (kubectl: Kubectl): Promise<string[]> => {
  const { items } = JSON.parse(
    await kubectl(['get', 'nodes', '-l', `${kwokNodeLabel.key}=${kwokNodeLabel.value}`, '-o', 'json']),
  ) as NodeList
  return items
    .filter(({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'))
    .map(({ metadata }) => metadata.name)
}

/**
 * Gives a cluster nodes without machines: kwok answers for them, and pods on them are Running and Ready at once and cost nothing. A second call adds
 * what is missing. They are tainted; a pod meant for them has a toleration of `kwokTaint` and selects `kwokNodeLabel`. Returns their names.
 */
export const addKwokNodes = async (
  cluster: LocalCluster,
  count: number,
  { progress = silent }: { progress?: Progress } = {},
): Promise<readonly string[]> => {
  const plan = await recordedPlan(cluster.name)
  if (!plan) throw new Error(`there is no cluster ${cluster.name}`)
  const { kwok } = await ensureBinaries(['kwok'], { progress })
  const stages = await readFile(join(import.meta.dirname, 'addons', 'kwok-stages.yaml'), 'utf8')
  const config = join(plan.stateDir, 'kwok-stages.yaml')
  await replaceFile(config, stages, 0o644)
  await ensureRunning(plan, {
    id: 'kwok',
    machine: plan.control,
    command: [
      kwok,
      `--kubeconfig=${cluster.kubeconfigPath}`,
      `--config=${config}`,
      `--manage-nodes-with-annotation-selector=${kwokTaint.key}=${kwokTaint.value}`,
      '--node-lease-duration-seconds=40',
      `--node-ip=${nodeIp}`,
      `--cidr=${podCidr}`,
    ],
    config: stages,
  })
  const kubectl = kubectlFor(cluster.binaries.kubectl, cluster.kubeconfigPath)
  const names = Array.from({ length: count }, (_, index) => `kwok-${index}`)
  const ready = new Set(await readyNodes(kubectl))
  const missing = names.filter((name) => !ready.has(name))
  if (missing.length === 0) return names
  progress(`${missing.length} kwok nodes`)
  const list = { apiVersion: 'v1', kind: 'List', items: missing.map(node) }
  // Not server-side: that would drop the status, and a Node without capacity takes no pod.
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify(list) })
  await until(
    `${count} kwok nodes`,
    60_000,
    async () => {
      const found = new Set(await readyNodes(kubectl))
      return names.every((name) => found.has(name))
    },
    { everyMs: 250, seen: () => logTail(plan, 'kwok') },
  )
  return names
}
