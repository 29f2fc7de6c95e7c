import type { KubeObject } from '../apis/kube-object.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- pods of any version, read only
type Fields = Record<string, any>

/** One thing that a pod must not have: how a compliant pod is given it, and how it is known in a pod of super. */
export interface PodTrait {
  /** As in "is refused": `a hostPath volume`. */
  readonly what: string
  readonly spoil: (pod: KubeObject) => KubeObject
  readonly isIn: (superPod: KubeObject) => boolean
}

const containersOf = ({ spec }: KubeObject): readonly Fields[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
  ...(spec?.ephemeralContainers ?? []),
]

const withSpec = (pod: KubeObject, more: Fields): KubeObject => ({ ...pod, spec: { ...pod.spec, ...more } })

const withContainer = (pod: KubeObject, change: (container: Fields) => Fields): KubeObject =>
  withSpec(pod, { containers: pod.spec.containers.map((container: Fields) => ({ ...container, ...change(container) })) })

const withSecurity = (pod: KubeObject, change: (security: Fields) => Fields): KubeObject =>
  withContainer(pod, ({ securityContext }) => ({ securityContext: { ...securityContext, ...change(securityContext ?? {}) } }))

const withVolume = (pod: KubeObject, source: Fields): KubeObject =>
  withSpec(pod, { volumes: [...(pod.spec.volumes ?? []), { name: 'forbidden', ...source }] })

const hostField = (field: 'hostNetwork' | 'hostPID' | 'hostIPC'): PodTrait => ({
  what: `spec.${field}`,
  spoil: (pod) => withSpec(pod, { [field]: true }),
  isIn: ({ spec }) => spec?.[field] === true,
})

const inlineVolume = (field: string, source: Fields): PodTrait => ({
  what: `a volume of type ${field}`,
  spoil: (pod) => withVolume(pod, { [field]: source }),
  isIn: ({ spec }) => (spec?.volumes ?? []).some((volume: Fields) => volume[field] !== undefined),
})

export const podTraits = {
  capability: {
    what: 'capability SETPCAP',
    spoil: (pod) => withSecurity(pod, ({ capabilities }) => ({ capabilities: { ...capabilities, add: ['SETPCAP'] } })),
    isIn: (pod) =>
      containersOf(pod).some(({ securityContext }) => {
        const added: readonly string[] = securityContext?.capabilities?.add ?? []
        return added.some((name) => ['SETPCAP', 'CAP_SETPCAP', 'ALL'].includes(name.toUpperCase()))
      }),
  },
  root: {
    what: 'a container that may run as root',
    spoil: (pod) => ({
      ...withSecurity(pod, () => ({ runAsNonRoot: false, runAsUser: 0 })),
    }),
    isIn: (pod) =>
      containersOf(pod).some(
        ({ securityContext }) => (securityContext?.runAsNonRoot ?? pod.spec?.securityContext?.runAsNonRoot) !== true,
      ),
  },
  privileged: {
    what: 'a privileged container',
    // Kubernetes itself refuses a privileged container without escalation, which would be no word of a policy.
    spoil: (pod) => withSecurity(pod, () => ({ privileged: true, allowPrivilegeEscalation: true })),
    isIn: (pod) => containersOf(pod).some(({ securityContext }) => securityContext?.privileged === true),
  },
  escalation: {
    what: 'privilege escalation',
    spoil: (pod) => withSecurity(pod, () => ({ allowPrivilegeEscalation: true })),
    isIn: (pod) => containersOf(pod).some(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false),
  },
  hostPath: inlineVolume('hostPath', { path: '/etc' }),
  nfs: inlineVolume('nfs', { server: '192.0.2.1', path: '/' }),
  iscsi: inlineVolume('iscsi', { targetPortal: '192.0.2.1:3260', iqn: 'iqn.2001-04.com.example:storage', lun: 0 }),
  hostNetwork: hostField('hostNetwork'),
  hostPID: hostField('hostPID'),
  hostIPC: hostField('hostIPC'),
  hostPort: {
    what: 'host port 8086',
    spoil: (pod) => withContainer(pod, () => ({ ports: [{ containerPort: 8086, hostPort: 8086, protocol: 'TCP' }] })),
    isIn: (pod) =>
      containersOf(pod).some(({ ports }) =>
        (ports ?? []).some(({ hostPort }: Fields) => hostPort !== undefined && hostPort !== 0),
      ),
  },
  pullNever: {
    what: 'image pull policy Never',
    spoil: (pod) => withContainer(pod, () => ({ imagePullPolicy: 'Never' })),
    isIn: (pod) => containersOf(pod).some(({ imagePullPolicy }) => imagePullPolicy !== 'Always'),
  },
} as const satisfies Record<string, PodTrait>
