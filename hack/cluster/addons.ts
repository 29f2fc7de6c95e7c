import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import versions from '../../images/versions.json' with { type: 'json' }
import { until } from '../processes.ts'
import type { Kubectl } from './kubectl.ts'
import type { ClusterPlan } from './plan.ts'

const names = ['coredns', 'kube-network-policies', 'local-path-provisioner'] as const

const manifests = async (plan: ClusterPlan): Promise<string> => {
  const values: Readonly<Record<string, unknown>> = { ...versions, dnsIp: plan.dnsIp }
  const texts = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, 'addons', `${name}.yaml`), 'utf8')))
  return texts.join('---\n').replaceAll(/\$\{(\w+)\}/g, (_, name: string) => String(values[name]))
}

interface Listed {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec?: { readonly replicas?: number }
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
    const ready = find('Node', name)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    if (!ready) gaps.push(`node ${name} is not Ready`)
  }
  for (const name of ['coredns', 'local-path-provisioner']) {
    const deployment = find('Deployment', name)
    if (!deployment) gaps.push(`deployment ${name} is not there`)
    else if ((deployment.status?.availableReplicas ?? 0) < 1) gaps.push(`deployment ${name} has no available pod`)
  }
  const policies = find('DaemonSet', 'kube-network-policies')
  if (!policies) gaps.push('daemonset kube-network-policies is not there')
  else if ((policies.status?.numberReady ?? 0) < plan.nodes.length)
    gaps.push(`network policies are enforced on ${policies.status?.numberReady ?? 0} nodes`)
  if (!find('StorageClass', 'standard')) gaps.push('storage class standard is not there')
  if (!items.some(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === 'default'))
    gaps.push('the default service account is not there')
  return gaps
}

/** One look at the whole cluster. */
export const clusterGaps = async (plan: ClusterPlan, kubectl: Kubectl): Promise<string[]> => {
  const list = await kubectl(
    ['get', 'nodes,deployments,daemonsets,storageclasses,serviceaccounts', '--all-namespaces', '-o', 'json'],
    { timeoutMs: 10_000 },
  )
  return missing(plan, (JSON.parse(list) as { items: Listed[] }).items)
}

/** Applies what the cluster's own pods need. Applying it again changes nothing. */
export const applyAddons = async (plan: ClusterPlan, kubectl: Kubectl): Promise<void> => {
  await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=berth-local-cluster', '-f', '-'], {
    input: await manifests(plan),
  })
}

/** Waits until everything works. @throws with what is missing when it takes longer than `deadlineMs`. */
export const untilComplete = async (plan: ClusterPlan, kubectl: Kubectl, deadlineMs: number): Promise<void> => {
  let gaps: string[] = []
  await until(
    `cluster ${plan.name}`,
    deadlineMs,
    async () => {
      gaps = await clusterGaps(plan, kubectl).catch((error: unknown) => [String(error)])
      return gaps.length === 0
    },
    { everyMs: 200, seen: () => gaps.join('; ') },
  )
}
