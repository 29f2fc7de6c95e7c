/** Any JSON object of which nothing is known. */
type Json = Readonly<Record<string, unknown>>

const object = (value: unknown): Json => (value !== null && typeof value === 'object' ? (value as Json) : {})
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : [])
const strings = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

const baselineCapabilities =
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' ')
const safeSysctls = [
  'kernel.shm_rmid_forced',
  ...'ip_local_port_range ip_unprivileged_port_start tcp_syncookies ping_group_range ip_local_reserved_ports tcp_keepalive_time'
    .split(' ')
    .map((name) => `net.ipv4.${name}`),
  ...'tcp_fin_timeout tcp_keepalive_intvl tcp_keepalive_probes tcp_rmem tcp_wmem tcp_slow_start_after_idle tcp_notsent_lowat'
    .split(' ')
    .map((name) => `net.ipv4.${name}`),
]
const restrictedVolumes = 'configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret image'.split(' ')
const profiles: readonly unknown[] = [undefined, 'RuntimeDefault', 'Localhost']
const seLinuxTypes: readonly unknown[] = [
  undefined,
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]
const empty: readonly unknown[] = [undefined, '']

/**
 * What a pod has that the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/) forbid at a level, each named by its
 * control; empty when the pod conforms. Written from the text of the standard for tests, and of no use elsewhere: super's admission is what decides.
 */
export const podSecurityFaults = (
  pod: { readonly spec?: unknown },
  level: 'privileged' | 'baseline' | 'restricted',
): readonly string[] => {
  if (level === 'privileged') return []
  const spec = object(pod.spec)
  const podContext = object(spec['securityContext'])
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap((each) => list(spec[each]))
  const contexts = containers.map((container) => object(container['securityContext']))
  const everywhere = [podContext, ...contexts]
  const isWindows = object(spec['os'])['name'] === 'windows'
  const ownUsers = spec['hostUsers'] === false
  const handlers = containers.flatMap((container) => [
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].map((each) => object(container[each])),
    ...['postStart', 'preStop'].map((each) => object(object(container['lifecycle'])[each])),
  ])
  const typeOf = (context: Json, profile: string): unknown => object(context[profile])['type']

  const baseline: Readonly<Record<string, boolean>> = {
    HostProcess: everywhere.every((each) => object(each['windowsOptions'])['hostProcess'] !== true),
    'Host Namespaces': ['hostNetwork', 'hostPID', 'hostIPC'].every((each) => spec[each] !== true),
    'Privileged Containers': contexts.every((each) => each['privileged'] !== true),
    Capabilities: contexts.every((each) =>
      strings(object(each['capabilities'])['add']).every((one) => baselineCapabilities.includes(one)),
    ),
    'HostPath Volumes': list(spec['volumes']).every((each) => each['hostPath'] === undefined),
    'Host Ports': containers.every((each) =>
      list(each['ports']).every(({ hostPort }) => hostPort === undefined || hostPort === 0),
    ),
    'Host Probes': handlers.every((each) =>
      ['httpGet', 'tcpSocket'].every((action) => empty.includes(object(each[action])['host'])),
    ),
    AppArmor: everywhere.every((each) => profiles.includes(typeOf(each, 'appArmorProfile'))),
    SELinux: everywhere.every((each) => {
      const { type, user, role } = object(each['seLinuxOptions'])
      return seLinuxTypes.includes(type) && empty.includes(user) && empty.includes(role)
    }),
    '/proc Mount Type': ownUsers || contexts.every((each) => each['procMount'] === undefined || each['procMount'] === 'Default'),
    Seccomp: everywhere.every((each) => profiles.includes(typeOf(each, 'seccompProfile'))),
    Sysctls: list(podContext['sysctls']).every(({ name }) => safeSysctls.includes(String(name))),
  }
  const inheritsProfile = typeOf(podContext, 'seccompProfile') !== undefined
  const restricted: Readonly<Record<string, boolean>> = {
    'Volume Types': list(spec['volumes']).every((each) => restrictedVolumes.some((source) => each[source] !== undefined)),
    'Privilege Escalation': isWindows || contexts.every((each) => each['allowPrivilegeEscalation'] === false),
    'Running as Non-root':
      ownUsers ||
      (podContext['runAsNonRoot'] !== false &&
        contexts.every((each) => (each['runAsNonRoot'] ?? podContext['runAsNonRoot']) === true)),
    'Running as Non-root user': ownUsers || everywhere.every((each) => each['runAsUser'] !== 0),
    'Seccomp (restricted)':
      isWindows || contexts.every((each) => inheritsProfile || typeOf(each, 'seccompProfile') !== undefined),
    'Capabilities (restricted)':
      isWindows ||
      contexts.every((each) => {
        const { add, drop } = object(each['capabilities'])
        return strings(drop).includes('ALL') && strings(add).every((one) => one === 'NET_BIND_SERVICE')
      }),
    '/proc Mount Type (restricted)': contexts.every((each) => each['procMount'] === undefined || each['procMount'] === 'Default'),
  }
  return Object.entries(level === 'restricted' ? { ...baseline, ...restricted } : baseline).flatMap(([control, holds]) =>
    holds ? [] : [control],
  )
}
