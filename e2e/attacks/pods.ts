import { idle, pod, podSpec, shell } from '../support/objects.ts'
import type { Attack, AttackSet } from './attack.ts'
import { shop } from './ground.ts'
import { loweredObject, refusedObject, said, type Written } from './ways.ts'

// Pods that reach for the machine they run on. The attacker has the default profile, baseline.
interface Parts {
  readonly spec?: object
  readonly container?: object
  readonly annotations?: object
}
const evilPod = (name: string, { spec, container, annotations = {} }: Parts): Written =>
  pod(shop, name, shell(idle, container), { ...spec, annotations }) as Written

const refusedPod = (name: string, make: () => Parts, refusal: RegExp): Attack => ({
  name,
  as: 'admin',
  attempt: ({ attacker }, evil) => refusedObject(attacker, evilPod(evil, make())),
  refusal,
})

const inContainer = (securityContext: object): Parts => ({ container: { securityContext } })
const volume = (source: object): Parts => ({ spec: { volumes: [{ name: 'v', ...source }] } })
const level = /PodSecurity|[Ff]orbidden|not allowed|baseline/

const windowsHost = { securityContext: { windowsOptions: { hostProcess: true } }, hostNetwork: true }

export const podAttacks: AttackSet = {
  attacks: [
    refusedPod('the network of the node', () => ({ spec: { hostNetwork: true } }), /hostNetwork/),
    refusedPod('the processes of the node', () => ({ spec: { hostPID: true } }), /hostPID/),
    refusedPod('the shared memory of the node', () => ({ spec: { hostIPC: true } }), /hostIPC/),
    refusedPod('the root of the node', () => volume({ hostPath: { path: '/' } }), /hostPath/),
    refusedPod(
      'a socket of the node',
      () => volume({ hostPath: { path: '/run/containerd/containerd.sock', type: 'Socket' } }),
      /hostPath/,
    ),
    refusedPod('a port of the node', () => ({ container: { ports: [{ containerPort: 80, hostPort: 8086 }] } }), /host ?[Pp]ort/),
    refusedPod('a privileged container', () => inContainer({ privileged: true }), /privileged/),
    refusedPod(
      'a privileged container that comes first',
      () => ({ spec: { initContainers: [shell('true', { name: 'first', securityContext: { privileged: true } })] } }),
      /privileged/,
    ),
    refusedPod(
      'the capability to do nearly all',
      () => inContainer({ capabilities: { add: ['SYS_ADMIN'] } }),
      /SYS_ADMIN|capabilit/,
    ),
    refusedPod('all capabilities', () => inContainer({ capabilities: { add: ['ALL'] } }), /ALL|capabilit/),
    refusedPod('raw frames', () => inContainer({ capabilities: { add: ['NET_RAW'] } }), /NET_RAW|capabilit/),
    refusedPod('a /proc without masks', () => inContainer({ procMount: 'Unmasked' }), /procMount|hostUsers/),
    refusedPod(
      'a sysctl of the whole kernel',
      () => ({ spec: { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '65536' }] } } }),
      /sysctl/,
    ),
    refusedPod('no seccomp filter', () => inContainer({ seccompProfile: { type: 'Unconfined' } }), /seccomp/),
    refusedPod('no AppArmor profile', () => inContainer({ appArmorProfile: { type: 'Unconfined' } }), /AppArmor|appArmor/),
    refusedPod(
      'another SELinux user',
      () => inContainer({ seLinuxOptions: { user: 'system_u', type: 'spc_t' } }),
      /[sS][eE]Linux/,
    ),
    refusedPod('a host process of Windows', () => ({ spec: windowsHost }), level),
    refusedPod(
      'a disk by its address',
      () => volume({ iscsi: { targetPortal: '10.0.0.1:3260', iqn: 'iqn.2001-04.x:y', lun: 0 } }),
      /iscsi/,
    ),
    refusedPod('a share by its address', () => volume({ nfs: { server: '10.0.0.1', path: '/' } }), /nfs/),
    refusedPod(
      "a driver's inline volume",
      () => volume({ csi: { driver: 'secrets-store.csi.example.com', volumeAttributes: { host: '/' } } }),
      /csi|[Ii]nline/,
    ),
    refusedPod('a scheduler of its own', () => ({ spec: { schedulerName: 'mine' } }), /schedulerName/),
    refusedPod(
      'the mark of static pods',
      () => ({ annotations: { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' } }),
      /[Mm]irror|config\.mirror/,
    ),
    {
      name: 'the priority of the system',
      as: 'admin',
      attempt: ({ attacker }, evil) =>
        loweredObject(
          attacker,
          evilPod(evil, { spec: { priorityClassName: 'system-node-critical' } }),
          ({ spec }) => spec?.['priorityClassName'] ?? 'none',
        ),
      refusal: /^"none"$|^(?!"system-).*(refus|not allowed|[Pp]riority)/,
    },
    {
      name: 'nodes of the control plane, by a toleration of everything',
      as: 'admin',
      attempt: ({ attacker }, evil) =>
        loweredObject(
          attacker,
          evilPod(evil, { spec: { tolerations: [{ operator: 'Exists' }] } }),
          ({ spec }) => spec?.['tolerations'] ?? [],
        ),
      // What goes down names its taints: none of it holds for any key, or for those of control planes.
      refusal: /^(?!.*(\{"operator":"Exists"\}|node-role\.kubernetes\.io))/,
    },
    {
      name: "an account of super's with its token",
      as: 'admin',
      attempt: ({ attacker }, evil) =>
        loweredObject(
          attacker,
          evilPod(evil, {
            spec: {
              automountServiceAccountToken: true,
              volumes: [
                {
                  name: 't',
                  projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'https://kubernetes.default.svc' } }] },
                },
              ],
            },
          }),
          ({ spec }) => [
            spec?.['serviceAccountName'],
            spec?.['automountServiceAccountToken'],
            JSON.stringify(spec).includes('"serviceAccountToken"'),
          ],
        ),
      refusal: /^\["berth-workload",false,false\]$/,
    },
    {
      name: 'a network of the node, by an annotation for its CNI',
      as: 'admin',
      attempt: ({ attacker }, evil) =>
        loweredObject(
          attacker,
          evilPod(evil, {
            annotations: { 'k8s.v1.cni.cncf.io/networks': 'host-device', 'cni.projectcalico.org/ipAddrs': '["10.0.0.1"]' },
          }),
          ({ metadata }) => Object.keys(metadata.annotations ?? {}).filter((key) => /cni/.test(key)),
        ),
      refusal: /^\[\]$|annotation/,
    },
    {
      name: 'no AppArmor profile, by the annotation of old',
      as: 'admin',
      attempt: ({ attacker }, evil) =>
        loweredObject(
          attacker,
          evilPod(evil, { annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' } }),
          ({ metadata }) => Object.keys(metadata.annotations ?? {}).filter((key) => /apparmor/.test(key)),
        ),
      refusal: /^\[\]$|[aA]pp[aA]rmor/,
    },
    {
      name: 'a debug container with all rights in a pod that runs',
      as: 'admin',
      attempt: async ({ attacker: { kubectl } }) =>
        said(
          kubectl(
            [
              'debug',
              'box',
              '-n',
              shop,
              '--image=docker.io/library/busybox:1.37.0-2',
              '--profile=sysadmin',
              '--attach=true',
              '-q',
              '--',
              'id',
            ],
            { timeoutMs: 20_000 },
          ),
        ),
      refusal: /privileged|PodSecurity|[Ff]orbidden|timed out/,
    },
    {
      name: 'host access by way of a workload',
      as: 'admin',
      attempt: async ({ attacker: { kubectl } }, evil) => {
        const job = {
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: { name: evil, namespace: shop },
          spec: { backoffLimit: 0, template: { spec: podSpec(shell('id'), { hostPID: true, restartPolicy: 'Never' }) } },
        }
        await kubectl(['apply', '-f', '-'], { input: JSON.stringify(job) })
        try {
          return await said(
            kubectl(['wait', '--for=condition=Complete', `job/${evil}`, '-n', shop, '--timeout=8s'], { timeoutMs: 20_000 }),
          )
        } finally {
          await kubectl(['delete', 'job', evil, '-n', shop, '--wait=false'])
        }
      },
      refusal: /timed out/,
    },
  ],
}
