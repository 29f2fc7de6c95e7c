import { hostsContainerName, hostsFileCommand } from '../../tenancy/hosts-container.ts'
import type { SyncContext } from '../resource.ts'
import { fullHostname, shortHostname } from './hostname.ts'
import type { V1Container } from './json-types.ts'
import { allContainers, type Pod } from './pod.ts'
import { bytesOf } from './quantity.ts'

const hostsPath = '/etc/hosts'
const folder = '/fitting'
/** What the program that writes the file needs: resident it has 45 MiB, most of it pages of its binary. */
const leastMemory = '64Mi'

type Resources = NonNullable<V1Container['resources']>

const cpuAndMemory = (amounts: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).filter(([resource]) => resource === 'cpu' || resource === 'memory'))

const isLess = (amount: string | undefined): boolean => amount !== undefined && bytesOf(amount) < bytesOf(leastMemory)

const withLeastMemory = (amounts: Record<string, string>): Record<string, string> =>
  isLess(amounts['memory']) ? { ...amounts, memory: leastMemory } : amounts

/**
 * Those of the pod's first container: so the pod keeps its class of quality of service, and the scheduler, which counts the larger of init and main
 * containers, finds the pod no larger. Only a memory limit too small for the program is raised, and with it the request where both have to be equal.
 */
const fittingResources = ({ containers: [first], resources }: Pod['spec']): Resources | undefined => {
  if (!first?.resources || resources) return undefined
  const requests = cpuAndMemory(first.resources.requests)
  const limits = cpuAndMemory(first.resources.limits)
  const equal = requests['memory'] !== undefined && requests['memory'] === limits['memory']
  return { requests: equal ? withLeastMemory(requests) : requests, limits: withLeastMemory(limits) }
}

/** A name that nothing in the pod has. */
const freeName = ({ metadata, spec }: Pod): string => {
  const taken = new Set([...allContainers(spec), ...(spec.volumes ?? [])].map(({ name }) => name))
  for (let turn = 0; ; turn += 1) {
    const name = hostsContainerName(metadata.uid ?? '', turn)
    if (!taken.has(name)) return name
  }
}

/** Satisfies the Pod Security level `restricted`, whatever the pod says for all its containers. */
const securityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  seccompProfile: { type: 'RuntimeDefault' },
}

const bringsOwn = ({ volumeMounts }: V1Container): boolean =>
  (volumeMounts ?? []).some(({ mountPath }) => mountPath.replace(/\/+$/, '') === hostsPath)

/**
 * A super pod with a hosts file that holds the pod's full name in its tenant, so that `hostname -f` gives it. Super's kubelets would write super's
 * namespace, and have no field for another; so a first init container writes the file, which all others find where the kubelet's would be.
 *
 * Pods without a subdomain, on the host's network, or whose hostname is the full one, stay as they are.
 */
export const withHostsFile = (
  superPod: Pod,
  tenantPod: Pod,
  { ctx, image }: { readonly ctx: Pick<SyncContext, 'clusterDomain'>; readonly image: string },
): Pod => {
  const { spec } = superPod
  const fullName = fullHostname(tenantPod, ctx)
  const tooSmall = isLess(spec.resources?.limits?.['memory'])
  if (fullName === undefined || tenantPod.spec.setHostnameAsFQDN || spec.os?.name === 'windows' || tooSmall) return superPod
  const name = freeName(superPod)
  const resources = fittingResources(spec)
  const withMount = (container: V1Container): V1Container =>
    bringsOwn(container)
      ? container
      : { ...container, volumeMounts: [...(container.volumeMounts ?? []), { name, mountPath: hostsPath, subPath: 'hosts' }] }
  const writer: V1Container = {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: [...hostsFileCommand],
    args: [
      `${folder}/hosts`,
      '$(POD_IPS)',
      JSON.stringify([fullName, shortHostname(tenantPod)]),
      JSON.stringify(spec.hostAliases ?? []),
    ],
    env: [{ name: 'POD_IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } }],
    ...(resources && { resources }),
    securityContext,
    volumeMounts: [{ name, mountPath: folder }],
  }
  return {
    ...superPod,
    spec: {
      ...spec,
      initContainers: [writer, ...(spec.initContainers ?? []).map(withMount)],
      containers: spec.containers.map(withMount),
      volumes: [...(spec.volumes ?? []), { name, emptyDir: {} }],
    },
  }
}
