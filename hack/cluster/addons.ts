import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import versions from '../../images/versions.json' with { type: 'json' }
import { until } from '../processes.ts'
import type { Kubectl } from './kubectl.ts'
import { containerdSocket } from './node.ts'
import type { ClusterPlan } from './plan.ts'
import { runningContainers } from './runtime.ts'

const names = ['coredns', 'kube-network-policies', 'node-volumes'] as const

const manifests = async (plan: ClusterPlan): Promise<string> => {
  const values: Readonly<Record<string, unknown>> = { ...versions, dnsIp: plan.dnsIp }
  const texts = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, 'addons', `${name}.yaml`), 'utf8')))
  return texts.join('---\n').replaceAll(/\$\{(\w+)\}/g, (_, name: string) => String(values[name]))
}

interface Listed {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec?: { readonly replicas?: number; readonly podCIDR?: string }
  readonly status?: {
    readonly availableReplicas?: number
    readonly desiredNumberScheduled?: number
    readonly numberReady?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

/** What is still missing before pods, Services, DNS, policies and volumes work; empty when all is there. */
const missing = (plan: ClusterPlan, items: readonly Listed[]): string[] => {
  const find = (kind: string, name: string): Listed | undefined =>
    items.find((item) => item.kind === kind && item.metadata.name === name)
  const gaps: string[] = []
  for (const { name } of plan.nodes) {
    const node = find('Node', name)
    const ready = node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    if (!ready) gaps.push(`node ${name} is not Ready`)
    if (!node?.spec?.podCIDR) gaps.push(`node ${name} does not say which addresses its pods have`)
  }
  const dns = find('Deployment', 'coredns')
  if (!dns) gaps.push('deployment coredns is not there')
  else if ((dns.status?.availableReplicas ?? 0) < 1) gaps.push('deployment coredns has no available pod')
  for (const [name, deed] of [
    ['kube-network-policies', 'network policies are enforced'],
    ['node-volumes', 'volumes are made'],
  ] as const) {
    const onNodes = find('DaemonSet', name)
    if (!onNodes) gaps.push(`daemonset ${name} is not there`)
    else if ((onNodes.status?.numberReady ?? 0) < plan.nodes.length)
      gaps.push(`${deed} on ${onNodes.status?.numberReady ?? 0} nodes`)
  }
  if (!find('StorageClass', 'standard')) gaps.push('storage class standard is not there')
  if (!items.some(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === 'default'))
    gaps.push('the default service account is not there')
  return gaps
}

interface ListedPod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly spec: { readonly nodeName?: string }
  readonly status: { readonly phase?: string; readonly containerStatuses?: readonly { readonly containerID?: string }[] }
}

const list = async <T>(kubectl: Kubectl, args: readonly string[]): Promise<readonly T[]> =>
  (JSON.parse(await kubectl(['get', ...args, '-o', 'json'], { timeoutMs: 10_000 })) as { items: T[] }).items

/** System pods that the API calls running and whose node does not run them: what it says of a node that was lost is old. */
const ghosts = async (plan: ClusterPlan, kubectl: Kubectl, ctr: string): Promise<string[]> => {
  const pods = await list<ListedPod>(kubectl, ['pods', '--namespace', 'kube-system'])
  const gaps = plan.nodes.map(async (node) => {
    const containers = await runningContainers(ctr, containerdSocket(node))
    return pods
      .filter(
        ({ metadata, spec, status }) => spec.nodeName === node.name && status.phase === 'Running' && !metadata.deletionTimestamp,
      )
      .filter(({ status }) =>
        status.containerStatuses?.some(({ containerID = '' }) => !containers.has(containerID.replace('containerd://', ''))),
      )
      .map(({ metadata }) => `pod ${metadata.name} does not run on ${node.name}`)
  })
  return (await Promise.all(gaps)).flat()
}

/** One look at the whole cluster. */
export const clusterGaps = async (plan: ClusterPlan, kubectl: Kubectl, ctr: string): Promise<string[]> => {
  const [items, lost] = await Promise.all([
    list<Listed>(kubectl, ['nodes,deployments,daemonsets,storageclasses,serviceaccounts', '--all-namespaces']),
    ghosts(plan, kubectl, ctr),
  ])
  return [...missing(plan, items), ...lost]
}

/** Applies what the cluster's own pods need. Applying it again changes nothing. */
export const applyAddons = async (plan: ClusterPlan, kubectl: Kubectl): Promise<void> => {
  await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=berth-local-cluster', '-f', '-'], {
    input: await manifests(plan),
  })
}

/** Says of each node which addresses its pods have, as the controllers of most clusters do: here the network's configuration says them. */
const sayPodCidrs = async (plan: ClusterPlan, kubectl: Kubectl): Promise<void> => {
  const known = await list<Listed>(kubectl, ['nodes'])
  for (const { name, podCidr } of plan.nodes) {
    const node = known.find(({ metadata }) => metadata.name === name)
    if (!node || node.spec?.podCIDR) continue
    await kubectl([
      'patch',
      'node',
      name,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { podCIDR: podCidr, podCIDRs: [podCidr] } }),
    ])
  }
}

/** Waits until everything works. @throws with what is missing when it takes longer than `deadlineMs`. */
export const untilComplete = async (plan: ClusterPlan, kubectl: Kubectl, ctr: string, deadlineMs: number): Promise<void> => {
  let gaps: string[] = []
  await until(
    `cluster ${plan.name}`,
    deadlineMs,
    async () => {
      await sayPodCidrs(plan, kubectl).catch(() => {})
      gaps = await clusterGaps(plan, kubectl, ctr).catch((error: unknown) => [String(error)])
      return gaps.length === 0
    },
    { everyMs: 200, seen: () => gaps.join('; ') },
  )
}
