import type { PodSecurityLevel } from '../../../apis/isolation.ts'
import { nodeCredentialVolumes, seLinuxTypes } from '../../../tenancy/pod-security-standards.ts'
import { each, field, isTrue, list, listAt, text, when } from './cel.ts'
import type { Rule } from './rule.ts'

const containers = 'variables.containers'
const volumes = 'variables.volumes'
const spec = 'variables.spec'

/** What else the level restricted forbids. */
const olderVolumes = ['azureFile', 'scaleIO', 'storageos']
const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/'

/** Where a container stands: `spec.initContainers[init]`. */
const place = (of: string): string =>
  `(${of}.name in variables.initNames ? 'spec.initContainers[' : variables.list + '[') + ${of}.name + ']'`

/** One rule of something that pods and containers both say in their security contexts. */
const ofBoth = (name: string, bad: (of: string) => string, what: string, why: string): readonly Rule[] => [
  { name, refused: when(bad(spec), `${text(`${what} of the pod`)} + ${why}`) },
  {
    name: `${name}OfContainers`,
    debug: 'refused',
    refused: each(containers, 'c', bad('c'), `${text(`${what} of container `)} + c.name + ${why}`),
  },
]

const badSeLinux = (of: string): string => {
  const options = (name: string) => `${field(of, `securityContext.seLinuxOptions.${name}`)}.orValue('')`
  return `!(${options('type')} in ${list(seLinuxTypes)}) || ${options('user')} != '' || ${options('role')} != ''`
}

/** What must not name a host: the kubelet would ask it, from the node. */
const probeHosts = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle.postStart', 'lifecycle.preStop'].flatMap(
  (handler) => ['httpGet', 'tcpSocket'].map((kind) => `${field('c', `${handler}.${kind}.host`)}.orValue('') != ''`),
)

/** What the Pod Security level forbids, in the order in which the syncer looks (k8s.io/pod-security-admission/policy). */
export const levelRules = (level: PodSecurityLevel): readonly Rule[] => {
  if (level === 'privileged') return []
  const why = text(
    ` is not allowed: pods here are held to the Pod Security level ${level} (spec.isolation.podSecurity of the tenant, which the platform's operator sets)`,
  )
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC'].map(
      (name): Rule => ({ name, refused: when(isTrue(spec, name), `${text(`spec.${name}`)} + ${why}`) }),
    ),
    {
      name: 'privileged',
      debug: 'refused',
      refused: each(
        containers,
        'c',
        isTrue('c', 'securityContext.privileged'),
        `${place('c')} + '.securityContext.privileged: true' + ${why}`,
      ),
    },
    {
      name: 'hostPath',
      refused: each(volumes, 'v', 'has(v.hostPath)', `'a hostPath volume (spec.volumes[' + v.name + '])' + ${why}`),
    },
    {
      name: 'nodeCredentials',
      refused: each(
        volumes,
        'v',
        `${list(nodeCredentialVolumes)}.exists(k, k in v)`,
        `'a ' + ${list(nodeCredentialVolumes)}.filter(k, k in v)[0] + ' volume (spec.volumes[' + v.name + "]), attached with the node's credentials or by its address," + ${why}`,
      ),
    },
    {
      name: 'hostPorts',
      refused: each(
        containers,
        'c',
        `${listAt('c', 'ports')}.exists(p, ${field('p', 'hostPort')}.orValue(0) != 0)`,
        `'a host port (container ' + c.name + ')' + ${why}`,
      ),
    },
    ...ofBoth('hostProcess', (of) => isTrue(of, 'securityContext.windowsOptions.hostProcess'), 'windowsOptions.hostProcess', why),
    ...ofBoth(
      'seccomp',
      (of) => `${field(of, 'securityContext.seccompProfile.type')}.orValue('') == 'Unconfined'`,
      'the seccomp profile Unconfined',
      why,
    ),
    ...ofBoth(
      'appArmor',
      (of) => `${field(of, 'securityContext.appArmorProfile.type')}.orValue('') == 'Unconfined'`,
      'the AppArmor profile Unconfined',
      why,
    ),
    {
      name: 'appArmorAnnotations',
      refused: `${field('variables.meta', 'annotations')}.orValue({}).filter(k, k.startsWith(${text(appArmorAnnotation)}) && !(variables.meta.annotations[k] in ['', 'runtime/default']) && !variables.meta.annotations[k].startsWith('localhost/')).map(k, 'annotation ' + k + ' with the value ' + variables.meta.annotations[k] + ${why})`,
    },
    ...ofBoth('seLinux', badSeLinux, 'seLinuxOptions with a user, a role or another type', why),
    {
      name: 'procMount',
      debug: 'refused',
      refused: each(
        containers,
        'c',
        // In a user namespace of its own a pod may see all of its /proc.
        `${field('c', 'securityContext.procMount')}.orValue('Default') != 'Default' && ${field(spec, 'hostUsers')}.orValue(true)`,
        `'procMount of container ' + c.name + ${why}`,
      ),
    },
    {
      name: 'probeHosts',
      debug: 'refused',
      refused: each(
        containers,
        'c',
        probeHosts.join(' || '),
        `'a host in a probe or a lifecycle handler of container ' + c.name + ${why}`,
      ),
    },
    ...(level === 'restricted'
      ? [
          {
            name: 'olderVolumes',
            refused: each(
              volumes,
              'v',
              `${list(olderVolumes)}.exists(k, k in v)`,
              `'a ' + ${list(olderVolumes)}.filter(k, k in v)[0] + ' volume (spec.volumes[' + v.name + '])' + ${why}`,
            ),
          },
        ]
      : []),
  ]
}
