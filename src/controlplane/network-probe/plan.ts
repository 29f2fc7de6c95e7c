import type { KubeObject } from '../../apis/kube-object.ts'
import { componentLabel, managedByBerth, managedByLabel, networkProbeLabel } from '../../tenancy/marks.ts'
import { podProblem } from '../diagnose.ts'
import { callExits } from './call.ts'

/** In super: with its quota and the policies that are tried, of the installation. */
export const probeNamespace = 'berth-network-probe'
/** On its pods. */
export const probeComponent = 'network-probe'

const probePort = 8080

/**
 * What is tried at once. `open` is the control: a policy lets it through, so that a silence is one of a policy. `kept-out` is let in by no policy of the server,
 * `kept-in` would be, and none lets it out.
 */
const clients = [
  { name: 'open', expects: 'open' },
  { name: 'kept-out', expects: 'shut' },
  { name: 'kept-in', expects: 'shut' },
] as const

/** Whether super holds to NetworkPolicies, as it was seen to. */
export interface Enforcement {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: 'Enforced' | 'NotEnforced' | 'ProbeFailed' | 'NoImage'
  readonly message: string
}

/** The next step of a try, by what is there of it. */
export type ProbeStep =
  | { readonly kind: 'make'; readonly pods: readonly KubeObject[] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'told'; readonly enforcement: Enforcement }

/** How long a try may take: images have to come. */
const deadlineMs = 180_000

const probePod = (name: string, image: string, args: readonly string[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: probeNamespace,
    labels: { [managedByLabel]: managedByBerth, [componentLabel]: probeComponent, [networkProbeLabel]: name },
  },
  spec: {
    restartPolicy: 'Never',
    activeDeadlineSeconds: deadlineMs / 1000,
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, runAsGroup: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'probe',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['/usr/local/bin/node', '/app/dist/bin/network-probe.js', ...args],
        terminationMessagePolicy: 'FallbackToLogsOnError',
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        resources: { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '256Mi' } },
      },
    ],
  },
})

const exitOf = (pod: KubeObject | undefined): number | undefined =>
  (pod?.status?.containerStatuses as { state?: { terminated?: { exitCode?: number } } }[] | undefined)?.[0]?.state?.terminated
    ?.exitCode

const isRunning = ({ status }: KubeObject): boolean =>
  Boolean(status?.podIP) &&
  Boolean((status?.containerStatuses as { state?: { running?: object } }[] | undefined)?.[0]?.state?.running)

const told = (status: Enforcement['status'], reason: Enforcement['reason'], message: string): ProbeStep => ({
  kind: 'told',
  enforcement: { status, reason, message },
})

const advice = 'use a network plugin that does, or nodes for each tenant'

/** What the ends of the clients say. */
const verdict = (exits: Readonly<Record<(typeof clients)[number]['name'], number | undefined>>): ProbeStep => {
  const open = [...(exits['kept-out'] === callExits.open ? ['in'] : []), ...(exits['kept-in'] === callExits.open ? ['out'] : [])]
  if (open.length > 0)
    return told(
      'False',
      'NotEnforced',
      `super does not enforce NetworkPolicies: a pod was let ${open.join(' and ')} though a policy forbids it. Tenants are not kept apart on the network: ${advice}`,
    )
  if (exits.open !== callExits.asExpected)
    return told('Unknown', 'ProbeFailed', 'a pod did not reach another one in super though a policy lets it, so nothing is known')
  return exits['kept-out'] === callExits.asExpected && exits['kept-in'] === callExits.asExpected
    ? told('True', 'Enforced', 'pods were tried in super: what a policy allows went through, what it forbids did not, in and out')
    : told('Unknown', 'ProbeFailed', 'a pod that was to try the policies of super ended without saying what it saw')
}

/** Pure. A try that was begun by another process goes on. */
export const probeStep = (
  pods: readonly KubeObject[],
  { image, now }: { readonly image: string; readonly now: Date },
): ProbeStep => {
  if (pods.some(({ metadata }) => metadata.deletionTimestamp !== undefined)) return { kind: 'wait' }
  const podOf = (name: string): KubeObject | undefined => pods.find(({ metadata }) => metadata.name === name)
  const server = podOf('server')
  const exits = { open: exitOf(podOf('open')), 'kept-out': exitOf(podOf('kept-out')), 'kept-in': exitOf(podOf('kept-in')) }
  if (Object.values(exits).every((exit) => exit !== undefined)) return verdict(exits)
  if (!server)
    return pods.length === 0
      ? { kind: 'make', pods: [probePod('server', image, ['serve', String(probePort)])] }
      : told('Unknown', 'ProbeFailed', 'the pod that the others call went away')
  const began = Date.parse(server.metadata.creationTimestamp ?? now.toISOString())
  if (exitOf(server) !== undefined || now.getTime() - began > deadlineMs) {
    const why = podProblem(pods, now)?.message ?? 'its pods took too long, or ended too soon'
    return told('Unknown', 'ProbeFailed', `whether super enforces NetworkPolicies could not be tried: ${why}`)
  }
  if (!isRunning(server)) return { kind: 'wait' }
  const missing = clients.filter(({ name }) => !podOf(name))
  if (missing.length === 0) return { kind: 'wait' }
  const address = String(server.status?.podIP)
  return { kind: 'make', pods: missing.map(({ name, expects }) => probePod(name, image, [expects, address, String(probePort)])) }
}
