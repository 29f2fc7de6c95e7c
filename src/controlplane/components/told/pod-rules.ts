import type { TenantControlPlaneSpec } from '../../../apis/tenant-control-plane.ts'
import type { IsolationSettings } from '../../../tenancy/isolation.ts'
import { safeSysctls } from '../../../tenancy/pod-security-standards.ts'
import { each, field, isOther, isTrue, list, listAt, text, when } from './cel.ts'
import type { Rule } from './rule.ts'

type Facts = Pick<TenantControlPlaneSpec, 'sync' | 'network'> & { readonly settings: IsolationSettings }

const containers = 'variables.containers'
const spec = 'variables.spec'

/** Fields that no tenant's pods may have (`refuse` in the syncer's tables). A container's claims are among those of its pod. */
const unsupported: readonly Rule[] = [
  {
    name: 'claims',
    refused: when(
      `size(${listAt(spec, 'resourceClaims')}) > 0`,
      text('spec.resourceClaims: resource claims are not offered here'),
    ),
  },
  {
    name: 'schedulingGroup',
    refused: when(`has(${spec}.schedulingGroup)`, text('spec.schedulingGroup: scheduling groups are not offered here')),
  },
  {
    name: 'gitRepo',
    refused: each(
      'variables.volumes',
      'v',
      'has(v.gitRepo)',
      `'spec.volumes[' + v.name + '].gitRepo: gitRepo volumes run git as root on the node; clone in an init container'`,
    ),
  },
  {
    name: 'glusterfs',
    refused: each(
      'variables.volumes',
      'v',
      'has(v.glusterfs)',
      `'spec.volumes[' + v.name + '].glusterfs: glusterfs volumes were taken out of Kubernetes; use a claim'`,
    ),
  },
]

const scheduler: Rule = {
  name: 'scheduler',
  refused: when(
    `!(${field(spec, 'schedulerName')}.orValue('') in ['', 'default-scheduler'])`,
    `'spec.schedulerName: only default-scheduler places pods here, not ' + ${spec}.schedulerName`,
  ),
}

const mirrorAnnotation = 'kubernetes.io/config.mirror'
const mirror: Rule = {
  name: 'mirror',
  refused: when(
    `${text(mirrorAnnotation)} in ${field('variables.meta', 'annotations')}.orValue({})`,
    text(`metadata.annotations[${mirrorAnnotation}] is for a kubelet to write`),
  ),
}

/** Only where names alone decide: a selector is about the labels of super's classes, which are not known here. A forced class takes the place of any. */
const runtimeClass = ({ sync }: Facts): readonly Rule[] => {
  const rule = sync.classes?.runtime
  if (!rule?.allowed || rule.selector || rule.forced !== undefined) return []
  const allowed = [...rule.allowed, ...(rule.default === undefined ? [] : [rule.default])]
  return [
    {
      name: 'runtimeClass',
      refused: when(
        `!(${field(spec, 'runtimeClassName')}.orValue('') in ${list(['', ...allowed])})`,
        `'spec.runtimeClassName: this tenant may not use ' + ${spec}.runtimeClassName`,
      ),
    },
  ]
}

const inlineDrivers = ({ sync }: Facts): Rule => ({
  name: 'inlineDrivers',
  refused: each(
    'variables.volumes',
    'v',
    `has(v.csi) && !(v.csi.driver in ${list(sync.inlineCSIDrivers)})`,
    `'spec.volumes[' + v.name + '].csi: inline volumes of ' + v.csi.driver + ' are not offered here; use a claim'`,
  ),
})

/** Linux takes 63 characters. A pod whose name alone is longer has it cut by the kubelet: that is left to the syncer. */
const longName = ({ network }: Facts): Rule => {
  const full = `(${field(spec, 'hostname')}.orValue('') == '' ? variables.meta.name : ${spec}.hostname) + '.' + ${spec}.subdomain + '.' + request.namespace + ${text(`.svc.${network.clusterDomain}`)}`
  const asks = [
    isTrue(spec, 'setHostnameAsFQDN'),
    `${field(spec, 'subdomain')}.orValue('') != ''`,
    `!${isTrue(spec, 'hostNetwork')}`,
    `!has(${spec}.hostnameOverride)`,
    'size(variables.meta.name) <= 63',
  ].join(' && ')
  return {
    name: 'longName',
    onlyPods: true,
    refused: `(${asks}) ? [${full}].filter(n, size(n) > 63).map(n, 'spec.setHostnameAsFQDN: ' + n + ' has ' + string(size(n)) + ' characters, a host name at most 63') : []`,
  }
}

const operator = (setting: string): string => `; the platform's operator can allow it by isolation.${setting}`

const capabilities = ({ settings: { pods } }: Facts): readonly Rule[] => {
  if (pods.capabilities.includes('*')) return []
  const added = listAt('c', 'securityContext.capabilities.add')
  const other = isOther('x', pods.capabilities)
  return [
    {
      name: 'capabilities',
      debug: 'left-out',
      refused: each(
        containers,
        'c',
        `${added}.exists(x, ${other})`,
        `'container ' + c.name + ' may not add the capabilities ' + ${added}.filter(x, ${other}).join(', ') + ${text(operator('pods.capabilities'))}`,
      ),
    },
  ]
}

const asksForRoot = (of: string): string =>
  `${field(of, 'securityContext.runAsNonRoot')}.orValue(true) == false || ${field(of, 'securityContext.runAsUser')}.orValue(1) == 0`

/** In a user namespace of its own, root is nobody on the node: that is left to the syncer. */
const root = ({ settings: { pods } }: Facts): readonly Rule[] => {
  if (!pods.runAsNonRoot) return []
  const why = text(operator('pods.runAsNonRoot'))
  const mapped = `${field(spec, 'hostUsers')}.orValue(true) == false`
  return [
    {
      name: 'root',
      refused: when(`!(${mapped}) && (${asksForRoot(spec)})`, `'spec.securityContext asks for root' + ${why}`),
    },
    {
      name: 'containerRoot',
      debug: 'refused',
      refused: each(
        containers,
        'c',
        `!(${mapped}) && (${asksForRoot('c')})`,
        `'container ' + c.name + ' asks for root' + ${why}`,
      ),
    },
  ]
}

const escalation = ({ settings: { pods } }: Facts): readonly Rule[] =>
  pods.privilegeEscalation
    ? []
    : [
        {
          name: 'escalation',
          debug: 'refused',
          refused: each(
            containers,
            'c',
            isTrue('c', 'securityContext.allowPrivilegeEscalation'),
            `'container ' + c.name + ' asks for allowPrivilegeEscalation' + ${text(operator('pods.privilegeEscalation'))}`,
          ),
        },
      ]

const pullNever = ({ settings: { pods } }: Facts): readonly Rule[] => {
  const why = text(' asks for the pull policy Never: images are pulled with the secrets of the pod itself here')
  return pods.pullAlways
    ? [
        {
          name: 'pullNever',
          debug: 'refused',
          refused: each(
            containers,
            'c',
            `${field('c', 'imagePullPolicy')}.orValue('') == 'Never'`,
            `'container ' + c.name + ${why}`,
          ),
        },
        {
          name: 'volumePullNever',
          refused: each(
            'variables.volumes',
            'v',
            `${field('v', 'image.pullPolicy')}.orValue('') == 'Never'`,
            `'volume ' + v.name + ${why}`,
          ),
        },
      ]
    : []
}

const hostUsers = ({ settings: { pods } }: Facts): readonly Rule[] =>
  pods.userNamespaces
    ? [
        {
          name: 'hostUsers',
          refused: when(
            isTrue(spec, 'hostUsers'),
            `'spec.hostUsers: pods run in a user namespace of their own here' + ${text(operator('pods.userNamespaces'))}`,
          ),
        },
      ]
    : []

const sysctls = ({ settings: { pods } }: Facts): readonly Rule[] =>
  pods.sysctls.includes('*')
    ? []
    : [
        {
          name: 'sysctls',
          refused: each(
            listAt(spec, 'securityContext.sysctls'),
            's',
            isOther('s.name', [...safeSysctls, ...pods.sysctls]),
            `'spec.securityContext.sysctls: ' + s.name + ' may not be set' + ${text(operator('pods.sysctls'))}`,
          ),
        },
      ]

/** What pods of a tenant may not ask for, whatever their Pod Security level. */
export const podRules = (facts: Facts): readonly Rule[] => [
  ...unsupported,
  scheduler,
  mirror,
  ...runtimeClass(facts),
  inlineDrivers(facts),
  longName(facts),
  ...capabilities(facts),
  ...root(facts),
  ...escalation(facts),
  ...pullNever(facts),
  ...hostUsers(facts),
  ...sysctls(facts),
]
