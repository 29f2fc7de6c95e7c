import type { IsolationProfile } from '../apis/isolation.ts'

/** A pod that somebody writes, and at which profiles it is refused: at admission in the tenant as in the syncer. */
export interface PodCase {
  readonly name: string
  /** Laid over the spec of an everyday pod with one container `main`. */
  readonly spec: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly refusedAt: readonly IsolationProfile[]
  /** Told at admission, and not refused by the syncer itself yet: super's Pod Security holds it there. */
  readonly isPending?: true
}

const everywhere: readonly IsolationProfile[] = ['privileged', 'baseline', 'restricted', 'sandboxed', 'dedicated']
const belowPrivileged: readonly IsolationProfile[] = ['baseline', 'restricted', 'sandboxed', 'dedicated']
const hardened: readonly IsolationProfile[] = ['restricted', 'sandboxed']
const nowhere: readonly IsolationProfile[] = []

const image = 'registry.example/web:1'
const main = (fields: Record<string, unknown>) => ({ containers: [{ name: 'main', image, ...fields }] })
const init = (fields: Record<string, unknown>) => ({ initContainers: [{ name: 'init', image, ...fields }] })
const secure = (securityContext: Record<string, unknown>) => main({ securityContext })
const pod = (securityContext: Record<string, unknown>) => ({ securityContext })
const volume = (source: Record<string, unknown>) => ({ volumes: [{ name: 'data', ...source }] })
const probe = (kind: Record<string, unknown>) => main({ livenessProbe: kind })

const refused = (at: readonly IsolationProfile[]) => (name: string, spec: PodCase['spec']) => ({ name, spec, refusedAt: at })
const pending = (at: readonly IsolationProfile[]) => (name: string, spec: PodCase['spec']) =>
  ({ name, spec, refusedAt: at, isPending: true }) as const

/** What the syncer refuses by rules of its own. */
const decided: readonly PodCase[] = [
  refused(everywhere)('another scheduler', { schedulerName: 'volcano' }),
  refused(everywhere)('resource claims', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }),
  refused(everywhere)('gitRepo', volume({ gitRepo: { repository: 'https://git.example/x' } })),
  refused(everywhere)('glusterfs', volume({ glusterfs: { endpoints: 'e', path: 'p' } })),
  refused(everywhere)('an inline volume of a driver that nobody allowed', volume({ csi: { driver: 'csi.example' } })),
  refused(everywhere)('a host name of more than 63 characters', {
    setHostnameAsFQDN: true,
    hostname: 'h'.repeat(30),
    subdomain: 's'.repeat(30),
  }),
  refused(belowPrivileged)('hostNetwork', { hostNetwork: true }),
  refused(belowPrivileged)('hostPID', { hostPID: true }),
  refused(belowPrivileged)('hostIPC', { hostIPC: true }),
  refused(belowPrivileged)('hostPath', volume({ hostPath: { path: '/' } })),
  refused(belowPrivileged)('a privileged container', secure({ privileged: true })),
  refused(belowPrivileged)('a privileged init container', init({ securityContext: { privileged: true } })),
  refused(belowPrivileged)('a disk by its ID', volume({ awsElasticBlockStore: { volumeID: 'vol-1' } })),
  refused(belowPrivileged)('nfs', volume({ nfs: { server: '192.0.2.9', path: '/export' } })),
  refused(belowPrivileged)(
    'iscsi',
    volume({ iscsi: { targetPortal: '192.0.2.9:3260', iqn: 'iqn.2001-04.com.example:x', lun: 0 } }),
  ),
  refused(belowPrivileged)('a flexVolume', volume({ flexVolume: { driver: 'vendor/driver' } })),
  {
    name: 'a mirror pod',
    spec: { nodeName: 'node-1' },
    annotations: { 'kubernetes.io/config.mirror': 'x' },
    refusedAt: everywhere,
  },
]

/** What the level or the settings forbid beside that. */
const toldOnly: readonly PodCase[] = [
  pending(belowPrivileged)('a host port', main({ ports: [{ containerPort: 80, hostPort: 8080 }] })),
  pending(belowPrivileged)('a capability beyond the level', secure({ capabilities: { add: ['SYS_ADMIN'] } })),
  pending(belowPrivileged)('all capabilities', secure({ capabilities: { add: ['ALL'] } })),
  pending(belowPrivileged)(
    'a capability of an init container',
    init({ securityContext: { capabilities: { add: ['NET_RAW'] } } }),
  ),
  pending(hardened)('a capability that only baseline knows', secure({ capabilities: { add: ['CHOWN'] } })),
  pending(belowPrivileged)('a sysctl of the machine', pod({ sysctls: [{ name: 'kernel.msgmax', value: '1' }] })),
  pending(belowPrivileged)('seccomp off, for the pod', pod({ seccompProfile: { type: 'Unconfined' } })),
  pending(belowPrivileged)('seccomp off, for a container', secure({ seccompProfile: { type: 'Unconfined' } })),
  pending(belowPrivileged)('AppArmor off, for the pod', pod({ appArmorProfile: { type: 'Unconfined' } })),
  pending(belowPrivileged)('AppArmor off, for a container', secure({ appArmorProfile: { type: 'Unconfined' } })),
  pending(belowPrivileged)('another SELinux type', secure({ seLinuxOptions: { type: 'spc_t' } })),
  pending(belowPrivileged)('an SELinux user', pod({ seLinuxOptions: { user: 'system_u' } })),
  pending(belowPrivileged)('an SELinux role', pod({ seLinuxOptions: { role: 'sysadm_r' } })),
  pending(belowPrivileged)('a probe of another host', probe({ httpGet: { host: '169.254.169.254', port: 80, path: '/' } })),
  pending(belowPrivileged)('a probe of another socket', probe({ tcpSocket: { host: '192.0.2.1', port: 22 } })),
  pending(belowPrivileged)(
    'a handler that asks another host',
    main({ lifecycle: { postStart: { httpGet: { host: '192.0.2.1', port: 80, path: '/' } } } }),
  ),
  pending(hardened)('root, for the pod', pod({ runAsUser: 0 })),
  pending(hardened)('root, for a container', secure({ runAsUser: 0 })),
  pending(hardened)('runAsNonRoot: false', pod({ runAsNonRoot: false })),
  pending(hardened)('runAsNonRoot: false of a container', secure({ runAsNonRoot: false })),
  pending(hardened)('privilege escalation', secure({ allowPrivilegeEscalation: true })),
  pending(hardened)('pull policy Never', main({ imagePullPolicy: 'Never' })),
  pending(hardened)('pull policy Never of an init container', init({ imagePullPolicy: 'Never' })),
  pending(hardened)('azureFile', volume({ azureFile: { secretName: 's', shareName: 'x' } })),
  {
    name: 'AppArmor off, in the old words',
    spec: {},
    annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' },
    refusedAt: belowPrivileged,
    isPending: true,
  },
]

/** What a profile must let through: the compliant twins. */
const allowed: readonly PodCase[] = [
  refused(nowhere)('an everyday pod', {}),
  refused(nowhere)('an everyday pod with an init container', init({})),
  refused(nowhere)('a hardened pod', {
    ...pod({ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } }),
    ...secure({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }),
  }),
  refused(nowhere)('no host namespaces, said', { hostNetwork: false, hostPID: false, hostIPC: false }),
  refused(nowhere)('not privileged, said', secure({ privileged: false })),
  refused(nowhere)('volumes of all safe sources', {
    volumes: [
      { name: 'a', emptyDir: {} },
      { name: 'b', configMap: { name: 'c' } },
      { name: 'c', secret: { secretName: 's' } },
      { name: 'd', persistentVolumeClaim: { claimName: 'p' } },
      { name: 'e', downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
      { name: 'f', projected: { sources: [{ configMap: { name: 'c' } }] } },
    ],
  }),
  refused(nowhere)('a safe sysctl', pod({ sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] })),
  refused(nowhere)('a profile of AppArmor', secure({ appArmorProfile: { type: 'RuntimeDefault' } })),
  refused(nowhere)('a container type of SELinux', secure({ seLinuxOptions: { type: 'container_t', level: 's0:c1,c2' } })),
  refused(nowhere)('a probe of itself', probe({ httpGet: { port: 80, path: '/' } })),
  refused(nowhere)('a port', main({ ports: [{ containerPort: 80 }] })),
  refused(nowhere)('a user namespace', { hostUsers: false }),
  refused(nowhere)('a short host name', { setHostnameAsFQDN: true, subdomain: 's' }),
  refused(nowhere)('pull policy Always', main({ imagePullPolicy: 'Always' })),
  {
    name: 'AppArmor on, in the old words',
    spec: {},
    annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'runtime/default' },
    refusedAt: nowhere,
  },
]

/** Every case: the two places where pods are refused are held to the same table. */
export const podCases: readonly PodCase[] = [...decided, ...toldOnly, ...allowed]
