import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ensureBinaries } from '../binaries.ts'
import { systemImages, tenantImages } from '../images/local-images.ts'
import { until } from '../processes.ts'
import type { Progress } from '../progress.ts'
import { run } from '../run.ts'
import { applyAddons, clusterGaps, untilComplete } from './addons.ts'
import { ensureCgroups } from './cgroups.ts'
import { controlPlane } from './control-plane.ts'
import { kubectlFor } from './kubectl.ts'
import { raiseLimits } from './limits.ts'
import { type Component, ensureMachine, ensureRunning, logTail, running } from './machine.ts'
import { ensureNetwork } from './network.ts'
import { containerdSocket, type NodeParts, nodeParts } from './node.ts'
import { ensurePki, kubeconfigPath, pkiDir } from './pki.ts'
import type { ClusterPlan, NodeMachine } from './plan.ts'
import { ensurePolicyQueue } from './policies-queue.ts'
import { registry } from './registry.ts'
import { loadOnNode } from './runtime.ts'
import { replaceFile } from './state.ts'

const programNames = [
  'etcd',
  'kube-apiserver@1.37',
  'kube-controller-manager@1.37',
  'kube-scheduler',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'kubelet',
  'kube-proxy',
  'kubectl',
] as const

export type ClusterPrograms = Readonly<Record<(typeof programNames)[number], string>>

export const clusterPrograms = (progress: Progress): Promise<ClusterPrograms> => ensureBinaries(programNames, { progress })

/** Writes a file unless it says that already. */
const ensureFile = async (path: string, content: string): Promise<void> => {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return
  await mkdir(dirname(path), { recursive: true })
  await replaceFile(path, content, 0o644)
}

/** Waits for a component to answer; one that ended instead is told at once, with its last words. */
const untilAnswers = (
  plan: ClusterPlan,
  component: Component,
  command: readonly [string, ...string[]],
  deadlineMs: number,
): Promise<true> =>
  until(
    `${component.id} answering`,
    deadlineMs,
    async () => {
      if (!(await running(plan, component.id))) throw new Error(`${component.id} ended: ${await logTail(plan, component.id)}`)
      const [program, ...args] = command
      return run(program, args, { timeoutMs: 5_000 }).then(
        () => true as const,
        () => undefined,
      )
    },
    { everyMs: 100, seen: () => logTail(plan, component.id) },
  )

const bringUpControlPlane = async (plan: ClusterPlan, programs: ClusterPrograms): Promise<void> => {
  const [etcd, apiServer, ...rest] = controlPlane(plan, programs)
  await ensureRunning(plan, etcd)
  await ensureRunning(plan, apiServer)
  const ready = ['--silent', '--fail', '--cacert', `${pkiDir(plan)}/ca.crt`, `${plan.apiServer}/readyz`]
  await untilAnswers(plan, apiServer, ['curl', ...ready], 60_000)
  for (const component of rest) await ensureRunning(plan, component)
}

/** Starts a node's containerd if it does not run, and waits until it answers: a kubelet that comes before that ends at once. */
export const bringUpRuntime = async (
  plan: ClusterPlan,
  programs: ClusterPrograms,
  node: NodeMachine,
  parts: NodeParts,
): Promise<void> => {
  for (const { path, content } of parts.files) await ensureFile(path, content)
  await ensureRunning(plan, parts.containerd)
  await untilAnswers(plan, parts.containerd, [programs.ctr, '--address', containerdSocket(node), 'version'], 30_000)
}

/**
 * Brings a cluster to where it should be: starts what does not run, keeps what does. Whatever was killed or left over before is
 * repaired, so it can be called at any time; on a cluster that is up it changes nothing.
 */
export const bringUp = async (plan: ClusterPlan, programs: ClusterPrograms, progress: Progress): Promise<void> => {
  await raiseLimits()
  await ensurePki(plan)
  await ensureCgroups(plan)
  const machines = await Promise.all([plan.control, ...plan.nodes].map((machine) => ensureMachine(plan, machine)))
  if (machines.includes('started')) progress(`machines and network of cluster ${plan.name}`)
  await ensureNetwork(plan)
  await ensurePolicyQueue(plan)
  const kubectl = kubectlFor(programs.kubectl, kubeconfigPath(plan))
  const parts = plan.nodes.map((node) => ({ node, parts: nodeParts(plan, node, programs) }))
  const archives = await systemImages(progress)
  await ensureRunning(plan, registry(plan))
  const control = bringUpControlPlane(plan, programs)
  const runtimes = parts.map(async ({ node, parts: of }) => {
    await bringUpRuntime(plan, programs, node, of)
    const loaded = await loadOnNode(programs.ctr, containerdSocket(node), archives)
    if (loaded.length > 0) progress(`${node.name} has the system images`)
  })
  await Promise.all([control, ...runtimes])
  await Promise.all(
    parts.flatMap(({ parts: { kubelet, kubeProxy } }) => [ensureRunning(plan, kubelet), ensureRunning(plan, kubeProxy)]),
  )
  if ((await clusterGaps(plan, kubectl, programs.ctr).catch(() => ['no answer'])).length > 0) {
    progress('add-ons: CoreDNS, network policies, volumes')
    await applyAddons(plan, kubectl)
  }
  const tenant = await tenantImages(progress)
  await Promise.all(
    plan.nodes.map(async (node) => {
      const loaded = await loadOnNode(programs.ctr, containerdSocket(node), tenant)
      if (loaded.length > 0) progress(`${node.name} has the tenants' images`)
    }),
  )
  await untilComplete(plan, kubectl, programs.ctr, 120_000)
}
