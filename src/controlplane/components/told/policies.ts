import type { KubeObject } from '../../../apis/kube-object.ts'
import type { TenantControlPlaneSpec } from '../../../apis/tenant-control-plane.ts'
import { isolationSettings } from '../../../tenancy/isolation.ts'
import { tenantGroups } from '../../names.ts'
import { levelRules } from './level-rules.ts'
import { podRules } from './pod-rules.ts'
import type { Rule } from './rule.ts'
import { serviceRules } from './service-rules.ts'

const apiVersion = 'admissionregistration.k8s.io/v1'
/** Reserved for policies that are files: no API server that knows such files takes an object of such a name. */
const suffix = '.static.k8s.io'

interface On {
  readonly group: string
  readonly resources: readonly string[]
  readonly operations: readonly string[]
}

interface Told {
  readonly name: string
  readonly rules: readonly Rule[]
  /** What the rules read, in CEL, in order: one may use those before it. */
  readonly variables: Readonly<Record<string, string>>
  readonly conditions?: Readonly<Record<string, string>>
  readonly actions: readonly { readonly action: 'Deny' | 'Warn'; readonly on: readonly On[] }[]
}

const resourceRules = (on: readonly On[]) => ({
  resourceRules: on.map(({ group, resources, operations }) => ({
    apiGroups: [group],
    apiVersions: ['*'],
    operations,
    resources,
  })),
})

const policyOf = ({ name, rules, variables, conditions = {}, actions }: Told): readonly KubeObject[] => [
  {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: `${name}${suffix}` },
    spec: {
      // Never in the way: what a policy itself cannot answer is let through, and the syncer decides.
      failurePolicy: 'Ignore',
      matchConstraints: resourceRules(actions.flatMap(({ on }) => on)),
      ...(Object.keys(conditions).length > 0 && {
        matchConditions: Object.entries(conditions).map(([condition, expression]) => ({ name: condition, expression })),
      }),
      variables: [...Object.entries(variables), ...rules.map((rule) => [`not_${rule.name}`, rule.refused] as const)].map(
        ([variable, expression]) => ({ name: variable, expression }),
      ),
      validations: rules.map((rule) => ({
        expression: `size(variables.not_${rule.name}) == 0`,
        messageExpression: `variables.not_${rule.name}[0]`,
        message: `not allowed here (${rule.name})`,
        reason: 'Forbidden',
      })),
    },
  },
  ...actions.map(
    ({ action, on }): KubeObject => ({
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: `${name}-${action.toLowerCase()}${suffix}` },
      spec: { policyName: `${name}${suffix}`, validationActions: [action], matchResources: resourceRules(on) },
    }),
  ),
]

const pods: readonly On[] = [
  // Of a pod that is there, only what is added to it is looked at: it goes on and ends as it could before.
  { group: '', resources: ['pods'], operations: ['CREATE'] },
]
const podTemplates: readonly On[] = [
  { group: 'apps', resources: ['deployments', 'statefulsets', 'daemonsets'], operations: ['CREATE', 'UPDATE'] },
  { group: 'batch', resources: ['jobs', 'cronjobs'], operations: ['CREATE', 'UPDATE'] },
]
const debugContainers: readonly On[] = [{ group: '', resources: ['pods/ephemeralcontainers'], operations: ['UPDATE'] }]
const services: readonly On[] = [{ group: '', resources: ['services'], operations: ['CREATE', 'UPDATE'] }]

const isPod = "request.resource.resource == 'pods'"
const podVariables = {
  pod: `(${isPod} ? object : request.resource.resource == 'cronjobs' ? object.spec.jobTemplate.spec.template : object.spec.template)`,
  spec: 'variables.pod.spec',
  meta: 'variables.pod.?metadata.orValue({})',
  containers: '(variables.spec.?initContainers.orValue([]) + variables.spec.containers)',
  volumes: 'variables.spec.?volumes.orValue([])',
  list: "'spec.containers'",
  initNames: 'variables.spec.?initContainers.orValue([]).map(c, c.name)',
}
const debugVariables = {
  spec: 'object.spec',
  before: 'oldObject.spec.?ephemeralContainers.orValue([]).map(c, c.name)',
  containers: 'object.spec.?ephemeralContainers.orValue([]).filter(c, !(c.name in variables.before))',
  list: "'spec.ephemeralContainers'",
  initNames: '[]',
}

/** Policies, with their bindings, that tell a tenant at once what the syncer would refuse. Pure. */
export const toldPolicies = ({
  isolation,
  sync,
  network,
}: Pick<TenantControlPlaneSpec, 'isolation' | 'sync' | 'network'>): readonly KubeObject[] => {
  const settings = isolationSettings(isolation)
  const rules = [...podRules({ settings, sync, network }), ...levelRules(settings.podSecurity)]
  const debug = (kind: Rule['debug']) => rules.filter((rule) => rule.debug === kind)
  const onDebug = (action: 'Deny' | 'Warn') => ({ variables: debugVariables, actions: [{ action, on: debugContainers }] })
  const policies: readonly Told[] = [
    {
      name: 'berth-pods',
      rules: rules.map((rule) => (rule.onlyPods ? { ...rule, refused: `${isPod} ? (${rule.refused}) : []` } : rule)),
      variables: podVariables,
      // Controllers of the control plane read no warnings.
      conditions: { told: `${isPod} || !('system:serviceaccounts:kube-system' in request.userInfo.groups)` },
      actions: [
        { action: 'Deny', on: pods },
        { action: 'Warn', on: podTemplates },
      ],
    },
    { name: 'berth-debug-containers', rules: debug('refused'), ...onDebug('Deny') },
    { name: 'berth-debug-capabilities', rules: debug('left-out'), ...onDebug('Warn') },
    {
      name: 'berth-services',
      rules: serviceRules(settings),
      variables: { spec: 'object.spec' },
      // A Service that changes its address is an ExternalName for a moment: that is the syncer's doing, whatever types are offered.
      conditions: { told: `!('${tenantGroups.syncer}' in request.userInfo.groups)` },
      actions: [{ action: 'Deny', on: services }],
    },
  ]
  return policies.filter((policy) => policy.rules.length > 0).flatMap(policyOf)
}
