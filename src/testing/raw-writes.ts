import type { KubeObject } from '../apis/kube-object.ts'

/** What a hijacked identity might lay over a pod that the syncer would make, and the twin that is let in. */
export interface PodRow {
  readonly name: string
  readonly hostile: Readonly<Record<string, unknown>>
  readonly harmless?: Readonly<Record<string, unknown>>
  /** What super says. */
  readonly told: RegExp
}

/** One container with this, and the rest as it has to be. */
const main = (fields: object) => ({ containers: [{ name: 'main', image: 'registry.example/web:1', ...fields }] })
const init = (fields: object) => ({ initContainers: [{ name: 'first', image: 'registry.example/web:1', ...fields }] })
const security = (securityContext: object) => main({ securityContext })
const volume = (source: object) => ({ volumes: [{ name: 'v', ...source }] })
const projected = (source: object) => volume({ projected: { sources: [source] } })
const requiring = (...expressions: object[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: expressions.map((each) => ({ matchExpressions: [each] })),
      },
    },
  },
})
const sysctl = (name: string) => ({ securityContext: { sysctls: [{ name, value: '1' }] } })
const inPool = { key: 'pool', operator: 'In', values: ['acme'] }

/** Ways to the machine, which super shuts though Pod Security admission is told to let all in. */
export const hostAccess: readonly PodRow[] = [
  { name: 'hostNetwork', hostile: { hostNetwork: true }, harmless: { hostNetwork: false }, told: /hostNetwork/ },
  { name: 'hostPID', hostile: { hostPID: true }, harmless: { hostPID: false }, told: /hostPID/ },
  { name: 'hostIPC', hostile: { hostIPC: true }, harmless: { hostIPC: false }, told: /hostIPC/ },
  { name: 'hostPath', hostile: volume({ hostPath: { path: '/' } }), harmless: volume({ emptyDir: {} }), told: /hostPath/ },
  {
    name: 'nfs',
    hostile: volume({ nfs: { server: '10.0.0.1', path: '/' } }),
    harmless: volume({ persistentVolumeClaim: { claimName: 'data' } }),
    told: /come by claims/,
  },
  {
    name: 'iscsi',
    hostile: volume({ iscsi: { targetPortal: '10.0.0.1', iqn: 'iqn.2001-04.com.example:x', lun: 0 } }),
    told: /come by claims/,
  },
  { name: 'gitRepo', hostile: volume({ gitRepo: { repository: 'https://x.example' } }), told: /gitRepo/ },
  {
    name: 'hostPort',
    hostile: main({ ports: [{ containerPort: 80, hostPort: 80 }] }),
    harmless: main({ ports: [{ containerPort: 80 }] }),
    told: /hostPort/,
  },
  {
    name: 'hostPort of an init container',
    hostile: init({ ports: [{ containerPort: 80, hostPort: 80 }] }),
    harmless: init({}),
    told: /hostPort/,
  },
  { name: 'privileged', hostile: security({ privileged: true }), harmless: security({ privileged: false }), told: /privileged/ },
  { name: 'a privileged init container', hostile: init({ securityContext: { privileged: true } }), told: /privileged/ },
  {
    name: 'procMount',
    hostile: { hostUsers: false, ...security({ procMount: 'Unmasked' }) },
    harmless: { hostUsers: false, ...security({ procMount: 'Default' }) },
    told: /procMount/,
  },
  {
    name: 'no seccomp',
    hostile: security({ seccompProfile: { type: 'Unconfined' } }),
    harmless: security({ seccompProfile: { type: 'RuntimeDefault' } }),
    told: /seccomp/,
  },
  { name: 'no seccomp for the pod', hostile: { securityContext: { seccompProfile: { type: 'Unconfined' } } }, told: /seccomp/ },
  { name: 'no AppArmor', hostile: security({ appArmorProfile: { type: 'Unconfined' } }), told: /AppArmor/ },
  {
    name: 'a type of SELinux',
    hostile: security({ seLinuxOptions: { type: 'spc_t' } }),
    harmless: security({ seLinuxOptions: { type: 'container_t', level: 's0:c1,c2' } }),
    told: /SELinux/,
  },
  { name: 'a user of SELinux for the pod', hostile: { securityContext: { seLinuxOptions: { user: 'root' } } }, told: /SELinux/ },
  {
    name: 'a sysctl beyond the safe ones',
    hostile: sysctl('kernel.msgmax'),
    harmless: sysctl('net.ipv4.tcp_syncookies'),
    told: /sysctl/,
  },
  {
    name: 'a capability beyond those allowed',
    hostile: security({ capabilities: { add: ['SYS_ADMIN'] } }),
    harmless: security({ capabilities: { add: ['CHOWN'], drop: ['ALL'] } }),
    told: /capability/,
  },
  { name: 'all capabilities', hostile: security({ capabilities: { add: ['ALL'] } }), told: /capability/ },
  { name: 'a capability in small letters', hostile: security({ capabilities: { add: ['sys_admin'] } }), told: /capability/ },
  { name: 'the priority of the system', hostile: { priorityClassName: 'system-node-critical' }, told: /priority/ },
]

/** Ways to machines that are not for tenants, where the syncer narrows tolerations. */
export const tolerations: readonly PodRow[] = [
  {
    name: 'any taint',
    hostile: { tolerations: [{ operator: 'Exists' }] },
    harmless: {
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
    },
    told: /tolerate/,
  },
  {
    name: 'the taint of control planes',
    hostile: { tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }] },
    told: /tolerate/,
  },
]

/** Ways to an account of super, or past its scheduler, of somebody who speaks as a tenant. */
export const accountAccess: readonly PodRow[] = [
  { name: 'another account', hostile: { serviceAccountName: 'default' }, told: /berth-workload/ },
  { name: 'a mounted token', hostile: { automountServiceAccountToken: true }, told: /automount/ },
  {
    name: 'a projected token',
    hostile: projected({ serviceAccountToken: { path: 'token', audience: 'https://kubernetes.default.svc' } }),
    harmless: projected({ secret: { name: 'web.token.berth' } }),
    told: /no token and no certificate/,
  },
  { name: 'a node by name', hostile: { nodeName: 'node-1' }, told: /nodeName/ },
  { name: 'another scheduler', hostile: { schedulerName: 'mine' }, told: /default scheduler/ },
]

/** Ways out of the runtime class `gvisor` and the nodes labelled `pool=acme`. */
export const wayOut: readonly PodRow[] = [
  { name: 'no runtime class', hostile: { runtimeClassName: undefined }, told: /runtime class/ },
  { name: 'another runtime class', hostile: { runtimeClassName: 'runc' }, told: /runtime class/ },
  { name: 'no pool', hostile: { nodeSelector: {} }, harmless: { nodeSelector: { pool: 'acme', disk: 'ssd' } }, told: /pool/ },
  { name: 'another pool', hostile: { nodeSelector: { pool: 'other' } }, told: /pool/ },
  {
    name: 'a pool by preference of one term only',
    hostile: { nodeSelector: {}, ...requiring(inPool, { key: 'disk', operator: 'Exists' }) },
    harmless: { nodeSelector: {}, ...requiring(inPool) },
    told: /pool/,
  },
  {
    name: 'one pool of several',
    hostile: { nodeSelector: {}, ...requiring({ ...inPool, values: ['acme', 'other'] }) },
    told: /pool/,
  },
]

const noGain = { allowPrivilegeEscalation: false }
const always = { imagePullPolicy: 'Always' }
const stored = (pullPolicy: string) => volume({ image: { reference: 'registry.example/data:1', pullPolicy } })
const nonRoot = (more: object = {}) => ({ securityContext: { runAsNonRoot: true, ...more } })

/** Settings of an operator who trusts a tenant with the machines otherwise, and what its pods have to say then. */
export const narrowed = {
  profile: 'privileged' as const,
  pods: { runAsNonRoot: true, privilegeEscalation: false, userNamespaces: true, pullAlways: true, sysctls: ['net.core.*'] },
}
export const withinNarrowed = { hostUsers: false, ...nonRoot(), ...main({ ...always, securityContext: noGain }) }

/** Ways past these settings, which are stricter than any Pod Security level that holds there. */
export const settingsPassed: readonly PodRow[] = [
  { name: 'a pod that leaves root open', hostile: { securityContext: {} }, told: /runs as root/ },
  { name: 'root for the pod', hostile: nonRoot({ runAsUser: 0 }), harmless: nonRoot({ runAsUser: 1000 }), told: /runs as root/ },
  {
    name: 'a container that may be root',
    hostile: main({ ...always, securityContext: { ...noGain, runAsNonRoot: false } }),
    harmless: { securityContext: {}, ...main({ ...always, securityContext: { ...noGain, runAsNonRoot: true } }) },
    told: /runs as root/,
  },
  {
    name: 'a container as root',
    hostile: main({ ...always, securityContext: { ...noGain, runAsUser: 0 } }),
    harmless: main({ ...always, securityContext: { ...noGain, runAsUser: 1000 } }),
    told: /runs as root/,
  },
  { name: 'a container that may gain rights', hostile: main(always), told: /more rights/ },
  {
    name: 'an init container that gains rights',
    hostile: init({ ...always, securityContext: { allowPrivilegeEscalation: true } }),
    harmless: init({ ...always, securityContext: noGain }),
    told: /more rights/,
  },
  { name: 'the users of the machine', hostile: { hostUsers: true }, told: /hostUsers/ },
  { name: 'whichever users', hostile: { hostUsers: undefined }, told: /hostUsers/ },
  { name: 'an image volume of the node', hostile: stored('IfNotPresent'), harmless: stored('Always'), told: /pulled each time/ },
  {
    name: 'another sysctl',
    hostile: nonRoot({ sysctls: [{ name: 'kernel.msgmax', value: '1' }] }),
    harmless: nonRoot({ sysctls: [{ name: 'net/core/somaxconn', value: '1' }] }),
    told: /sysctl/,
  },
]

/** A pod as the syncer makes them, with this laid over its spec. */
export const superPod = (
  spec: Readonly<Record<string, unknown>>,
  { name, namespace, tenant }: { readonly name: string; readonly namespace: string; readonly tenant: string },
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { 'berth.dev/tenant': tenant } },
  spec: { serviceAccountName: 'berth-workload', automountServiceAccountToken: false, ...main({}), ...spec },
})
