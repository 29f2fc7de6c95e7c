import { isBerthKey } from '../../tenancy/marks.ts'
import { isNamed } from '../resources/ingress-annotations.ts'

/**
 * Labels that every API server copies from the node onto a pod it binds (KEP-4742). Super's does so itself; if they went down as well, each pod would be
 * written once more just after its binding.
 */
const boundLabels: ReadonlySet<string> = new Set(['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'])

/**
 * Labels of pods upon which webhooks, schedulers, networks and identity services of super act: a sidecar of super's mesh, a cloud identity, another scheduler,
 * an exemption from policy. Everything else is what Services, policies and budgets select by, and goes down. `*` at the end: all that begin so.
 */
const steering: readonly string[] = [
  // Meshes.
  'sidecar.istio.io/*',
  'istio.io/rev',
  'istio.io/dataplane-mode',
  'istio.io/use-waypoint*',
  'ambient.istio.io/*',
  'networking.istio.io/*',
  'security.istio.io/*',
  'linkerd.io/*',
  'kuma.io/*',
  'consul.hashicorp.com/*',
  'dapr.io/*',
  // Identities that a cloud gives to pods.
  'aadpodidbinding',
  'azure.workload.identity/*',
  'eks.amazonaws.com/*',
  'vpc.amazonaws.com/*',
  'iam.gke.io/*',
  // Schedulers, queues and autoscalers.
  'kueue.x-k8s.io/*',
  'scheduling.x-k8s.io/*',
  'pod-group.scheduling.sigs.k8s.io*',
  'yunikorn.apache.org/*',
  'volcano.sh/*',
  'scheduling.volcano.sh/*',
  'karpenter.sh/*',
  'cluster-autoscaler.kubernetes.io/*',
  'descheduler.alpha.kubernetes.io/*',
  // Networks.
  'cilium.io/*',
  'io.cilium*',
  'projectcalico.org/*',
  'cni.projectcalico.org/*',
  'k8s.ovn.org/*',
  'ovn.kubernetes.io/*',
  'networking.gke.io/*',
  'cloud.google.com/*',
  // Policy and injection by admission.
  'admission.datadoghq.com/*',
  'admission.gatekeeper.sh/*',
  'policies.kyverno.io/*',
  'pod-security.kubernetes.io/*',
  'sidecar.opentelemetry.io/*',
  'instrumentation.opentelemetry.io/*',
  'vault.hashicorp.com/*',
  // Words for nodes, which some read from pods as well.
  'node.kubernetes.io/*',
  'node-role.kubernetes.io/*',
  'topology.kubernetes.io/*',
  'failure-domain.beta.kubernetes.io/*',
]

/** True for a label that does not go down, since super would do something for it. `allowed` are the keys that the operator lets through. */
export const isWithheldLabel = (key: string, allowed: readonly string[]): boolean =>
  !boundLabels.has(key) && isNamed(key, steering) && !isNamed(key, allowed)

/** True for a label that may not go down: what reads it has to be given the tenant's value. */
export const maySteer = (key: string): boolean => isWithheldLabel(key, [])

/** The labels that super's pod gets. */
export const superLabels = (labels: Readonly<Record<string, string>> = {}, allowed: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels).filter(([key]) => !isBerthKey(key) && !boundLabels.has(key) && !isWithheldLabel(key, allowed)),
  )
