/** What becomes of a pod at one Pod Security level: super's own admission takes it as Berth makes it, or refuses it, or only Berth does. */
export type Verdict = 'runs' | 'refused' | 'refused by us alone'

export interface PodSecurityCase {
  readonly name: string
  /** Laid over a pod of one container `main`. */
  readonly spec: Readonly<Record<string, unknown>>
  readonly baseline: Verdict
  readonly restricted: Verdict
}

type Spec = PodSecurityCase['spec']

const main = (fields: Spec): Spec => ({ containers: [{ name: 'main', image: 'registry.example/web:1', ...fields }] })
const init = (fields: Spec): Spec => ({ initContainers: [{ name: 'init', image: 'registry.example/web:1', ...fields }] })
const context = (securityContext: Spec): Spec => main({ securityContext })
const pod = (securityContext: Spec): Spec => ({ securityContext })
const volume = (source: Spec): Spec => ({ volumes: [{ name: 'data', ...source }] })
const sysctl = (name: string, value = '1'): Spec => pod({ sysctls: [{ name, value }] })
const windows = { os: { name: 'windows' } }

const of = (baseline: Verdict, restricted: Verdict, rows: Readonly<Record<string, Spec>>): readonly PodSecurityCase[] =>
  Object.entries(rows).map(([name, spec]) => ({ name, spec, baseline, restricted }))

/** Pods by what the Pod Security Standards say of them, as k8s.io/pod-security-admission v0.37 decides. */
export const podSecurityCases: readonly PodSecurityCase[] = [
  ...of('runs', 'runs', {
    'nothing said': {},
    'an empty security context': { ...context({}), ...pod({}) },
    NET_BIND_SERVICE: context({ capabilities: { add: ['NET_BIND_SERVICE'] } }),
    'some capabilities dropped': context({ capabilities: { drop: ['NET_RAW'] } }),
    'all capabilities dropped': context({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }),
    'no escalation': context({ allowPrivilegeEscalation: false }),
    'a user': pod({ runAsUser: 1000, runAsGroup: 0, fsGroup: 0 }),
    'a user of its own in a container': context({ runAsUser: 1000, runAsNonRoot: true }),
    "the runtime's seccomp profile": context({ seccompProfile: { type: 'RuntimeDefault' } }),
    "a seccomp profile of the node's": pod({ seccompProfile: { type: 'Localhost', localhostProfile: 'audit.json' } }),
    "an AppArmor profile of the node's": context({ appArmorProfile: { type: 'Localhost', localhostProfile: 'web' } }),
    "the runtime's AppArmor profile": pod({ appArmorProfile: { type: 'RuntimeDefault' } }),
    'an SELinux level': pod({ seLinuxOptions: { level: 's0:c1,c2' } }),
    "containers' own SELinux type": context({ seLinuxOptions: { type: 'container_t' } }),
    'procMount Default': context({ procMount: 'Default' }),
    'a user namespace': { hostUsers: false },
    'a safe sysctl': sysctl('net.ipv4.ip_unprivileged_port_start', '0'),
    'a port': main({ ports: [{ containerPort: 80 }] }),
    'a probe of its own': main({ livenessProbe: { httpGet: { port: 80 } } }),
    'volumes of the API': {
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', configMap: { name: 'settings' } },
        { name: 'c', secret: { secretName: 'login' } },
        { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'e', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
        { name: 'f', projected: { sources: [{ configMap: { name: 'settings' } }] } },
        { name: 'g', ephemeral: { volumeClaimTemplate: {} } },
        { name: 'h', image: { reference: 'registry.example/data:1', pullPolicy: 'IfNotPresent' } },
      ],
    },
    'a Windows pod': windows,
  }),
  ...of('runs', 'refused', {
    'a capability of the usual ones': context({ capabilities: { add: ['CHOWN'] } }),
    escalation: context({ allowPrivilegeEscalation: true }),
    'root allowed to a pod': pod({ runAsNonRoot: false }),
    'root allowed to a container': context({ runAsNonRoot: false }),
    'root in a pod': pod({ runAsUser: 0 }),
    'root in a container': context({ runAsUser: 0 }),
    'root in an init container': init({ securityContext: { runAsUser: 0 } }),
    'a /proc without masks in a user namespace': { ...context({ procMount: 'Unmasked' }), hostUsers: false },
    'an Azure share': volume({ azureFile: { secretName: 'login', shareName: 'data' } }),
    'a StorageOS volume': volume({ storageos: { volumeName: 'data' } }),
  }),
  ...of('runs', 'refused by us alone', {
    // The standard lets it: it is nobody on the machine. The setting `runAsNonRoot` of the profile says no root at all.
    'root in a user namespace': { ...pod({ runAsUser: 0 }), hostUsers: false },
    'an image never pulled': main({ imagePullPolicy: 'Never' }),
    'an image volume never pulled': volume({ image: { reference: 'registry.example/data:1', pullPolicy: 'Never' } }),
  }),
  ...of('refused', 'refused', {
    hostNetwork: { hostNetwork: true },
    hostPID: { hostPID: true },
    hostIPC: { hostIPC: true },
    hostPath: volume({ hostPath: { path: '/' } }),
    hostPort: main({ ports: [{ containerPort: 80, hostPort: 80 }] }),
    'hostPort of an init container': init({ ports: [{ containerPort: 80, hostPort: 80 }] }),
    'a privileged container': context({ privileged: true }),
    'a privileged init container': init({ securityContext: { privileged: true } }),
    SYS_ADMIN: context({ capabilities: { add: ['SYS_ADMIN'] } }),
    NET_RAW: context({ capabilities: { add: ['NET_BIND_SERVICE', 'NET_RAW'] } }),
    'all capabilities': context({ capabilities: { add: ['ALL'] } }),
    'capabilities by another spelling': context({ capabilities: { add: ['CAP_CHOWN'] } }),
    'capabilities of an init container': init({ securityContext: { capabilities: { add: ['SYS_PTRACE'] } } }),
    'no seccomp profile': pod({ seccompProfile: { type: 'Unconfined' } }),
    'no seccomp profile in a container': context({ seccompProfile: { type: 'Unconfined' } }),
    'no AppArmor profile': pod({ appArmorProfile: { type: 'Unconfined' } }),
    'no AppArmor profile in an init container': init({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
    'an SELinux type with more rights': context({ seLinuxOptions: { type: 'spc_t' } }),
    'an SELinux user': pod({ seLinuxOptions: { user: 'system_u' } }),
    'an SELinux role': pod({ seLinuxOptions: { role: 'system_r' } }),
    'a /proc without masks': context({ procMount: 'Unmasked' }),
    'an unsafe sysctl': sysctl('kernel.msgmax'),
    'an unsafe sysctl with slashes': sysctl('net/core/somaxconn'),
    HostProcess: { ...windows, hostNetwork: true, ...pod({ windowsOptions: { hostProcess: true } }) },
    'HostProcess in a container': { ...windows, ...context({ windowsOptions: { hostProcess: true } }) },
    'a probe of another host': main({ readinessProbe: { httpGet: { host: '169.254.169.254', port: 80 } } }),
    'a connection to another host as a probe': main({ startupProbe: { tcpSocket: { host: '10.0.0.1', port: 80 } } }),
    'a hook that calls another host': main({ lifecycle: { postStart: { httpGet: { host: '10.0.0.1', port: 80 } } } }),
  }),
  ...of('refused by us alone', 'refused', {
    'a disk by its ID': volume({ awsElasticBlockStore: { volumeID: 'vol-1' } }),
    'an export that knows nodes by their address': volume({ nfs: { server: '10.0.0.9', path: '/export' } }),
    'a target that knows nodes by their address': volume({
      iscsi: { targetPortal: '10.0.0.9:3260', iqn: 'iqn.2001-04.example:x', lun: 0 },
    }),
    'a flexVolume': volume({ flexVolume: { driver: 'd/x' } }),
  }),
]
