import type { SyncContext } from '../resource.ts'
import { type Demands, demandsOn, sysctlBar } from './demands.ts'
import type { V1Container, V1Volume } from './json-types.ts'
import type { Pod } from './pod.ts'
import { byLevel, bySetting, containerFindings, sharedFindings } from './security-rules.ts'
import { nodeCredentialVolumes } from './volume-fields.ts'

/** Why a pod may not go down. */
interface Refusal {
  readonly reason: string
  readonly message: string
}

const violation = (asked: string, law: string): Refusal => ({
  reason: 'PodSecurityViolation',
  message: `${asked} is not allowed: ${law}`,
})

/** Volume sources that the Pod Security level `restricted` knows (k8s.io/pod-security-admission, check_restrictedVolumes.go). */
const restrictedVolumes: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
])

const sourceOf = ({ name: _name, ...sources }: V1Volume): string =>
  Object.entries(sources).find(([, source]) => source !== undefined && source !== null)?.[0] ?? 'without a source'

const volumeRefusal = (volume: V1Volume, demands: Demands): Refusal | undefined => {
  const { level, settings } = demands
  if (settings.pullAlways && volume.image?.pullPolicy === 'Never')
    return neverPulled(`spec.volumes[${volume.name}].image.pullPolicy`)
  if (level === 'privileged') return undefined
  const source = sourceOf(volume)
  if (source === 'hostPath') return violation(`a hostPath volume (spec.volumes[${volume.name}])`, byLevel(demands))
  if (nodeCredentialVolumes.includes(source)) {
    const why = "attached with the node's credentials or by its address,"
    return violation(`a ${source} volume (spec.volumes[${volume.name}]), ${why}`, byLevel(demands))
  }
  return level === 'restricted' && !restrictedVolumes.has(source)
    ? violation(`a ${source} volume (spec.volumes[${volume.name}])`, byLevel(demands))
    : undefined
}

const neverPulled = (field: string): Refusal => ({
  reason: 'PullPolicyNotAllowed',
  message: `${field}: Never is not allowed: ${bySetting('pullAlways', "images here are pulled with the pod's own secrets each time")}`,
})

/** Hosts that a kubelet would be made to call: those of probes and hooks. */
const calledHosts = ({
  livenessProbe,
  readinessProbe,
  startupProbe,
  lifecycle,
}: V1Container): readonly (readonly [string, string])[] =>
  Object.entries({
    livenessProbe,
    readinessProbe,
    startupProbe,
    'lifecycle.postStart': lifecycle?.postStart,
    'lifecycle.preStop': lifecycle?.preStop,
  }).flatMap(([field, handler]) =>
    [
      [`${field}.httpGet.host`, handler?.httpGet?.host ?? ''] as const,
      [`${field}.tcpSocket.host`, handler?.tcpSocket?.host ?? ''] as const,
    ].filter(([, host]) => host !== ''),
  )

const containerRefusal = (container: V1Container, where: string, demands: Demands): Refusal | undefined => {
  const [finding] = containerFindings(container.securityContext ?? {}, demands)
  if (finding) return violation(`${where}.securityContext.${finding.asked}`, finding.law)
  if (demands.settings.pullAlways && container.imagePullPolicy === 'Never') return neverPulled(`${where}.imagePullPolicy`)
  if (demands.level === 'privileged') return undefined
  const port = container.ports?.find(({ hostPort }) => hostPort)
  if (port) return violation(`${where}.ports.hostPort: ${port.hostPort}`, byLevel(demands))
  const [called] = calledHosts(container)
  return called && violation(`${where}.${called[0]}: ${called[1]}`, byLevel(demands))
}

const containersRefusal = ({ spec }: Pod, demands: Demands): Refusal | undefined => {
  for (const list of ['initContainers', 'containers'] as const) {
    for (const container of spec[list] ?? []) {
      const refusal = containerRefusal(container, `spec.${list}[${container.name}]`, demands)
      if (refusal) return refusal
    }
  }
  return undefined
}

const hostRefusal = ({ spec }: Pod, demands: Demands): Refusal | undefined => {
  const { level, settings, isWindows } = demands
  const field = (['hostNetwork', 'hostPID', 'hostIPC'] as const).find((each) => spec[each])
  if (field && level !== 'privileged') return violation(`spec.${field}`, byLevel(demands))
  if (!settings.userNamespaces || isWindows) return undefined
  const law = bySetting('userNamespaces', 'pods here run in a user namespace of their own')
  // The API takes no namespace of the host's together with a user namespace.
  if (field) return violation(`spec.${field}`, law)
  return spec.hostUsers ? violation('spec.hostUsers: true', law) : undefined
}

const sysctlRefusal = ({ spec }: Pod, demands: Demands): Refusal | undefined => {
  for (const { name = '' } of spec.securityContext?.sysctls ?? []) {
    const bar = sysctlBar(name, demands)
    if (bar === undefined) continue
    const law =
      bar === 'level'
        ? byLevel(demands)
        : bySetting('sysctls', 'only sysctls that Kubernetes calls safe, and those of a list, are set here')
    return violation(`spec.securityContext.sysctls: ${name}`, law)
  }
  return undefined
}

const contextRefusal = ({ spec }: Pod, demands: Demands): Refusal | undefined => {
  const [finding] = sharedFindings(spec.securityContext ?? {}, demands)
  return finding && violation(`spec.securityContext.${finding.asked}`, finding.law)
}

const volumesRefusal = ({ spec }: Pod, demands: Demands): Refusal | undefined => {
  for (const volume of spec.volumes ?? []) {
    const refusal = volumeRefusal(volume, demands)
    if (refusal) return refusal
  }
  return undefined
}

const rules = [hostRefusal, contextRefusal, sysctlRefusal, containersRefusal, volumesRefusal] as const

/**
 * What a pod asks for against its tenant's settings or its Pod Security level, told before super's own Pod Security admission would. What it says nothing of
 * it gets as they demand. Debug containers come later, and then with less (`withinRules`).
 */
export const securityRefusal = (pod: Pod, { isolation }: Pick<SyncContext, 'isolation'>): Refusal | undefined => {
  const demands = demandsOn(pod.spec, isolation)
  for (const rule of rules) {
    const refusal = rule(pod, demands)
    if (refusal) return refusal
  }
  return undefined
}
