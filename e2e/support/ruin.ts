import { apply, getJson, superKubectl } from './kubectl.ts'
import { busybox, pod, shell } from './objects.ts'
import type { Tenant } from './tenant.ts'

/** Overwrites the log of etcd on the disk of its node, and ends it: what comes up finds nothing that it can read. */
export const ruinStore = async ({ controlPlaneNamespace: at }: Tenant): Promise<void> => {
  const { spec } = await getJson(superKubectl, ['pvc', 'data-etcd-0', '-n', at])
  const volume = await getJson(superKubectl, ['pv', String(spec?.['volumeName'])])
  const { hostPath, local } = (volume.spec ?? {}) as { hostPath?: { path: string }; local?: { path: string } }
  const path = (hostPath ?? local)?.path
  const { spec: etcd } = await getJson(superKubectl, ['pod', 'etcd-0', '-n', at])
  const script =
    'for file in $(find /data -name "*.wal"); do head -c 512 /dev/urandom | dd of=$file bs=1 seek=64 conv=notrunc; done; find /data -name "*.wal" | grep .'
  await apply(
    superKubectl,
    pod('default', 'ruins', shell(script, { image: busybox, volumeMounts: [{ name: 'data', mountPath: '/data' }] }), {
      nodeName: etcd?.['nodeName'],
      restartPolicy: 'Never',
      volumes: [{ name: 'data', hostPath: { path } }],
    }),
  )
  await superKubectl(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/ruins', '-n', 'default', '--timeout=30s'], {
    timeoutMs: 40_000,
  })
  await superKubectl(['delete', 'pod', 'ruins', '-n', 'default', '--now'])
  await superKubectl(['delete', 'pod', 'etcd-0', '-n', at, '--grace-period=0', '--force'])
}

const admission = 'admissionregistration.k8s.io/v1'

/** What the platform's own rules in super do to pods of one component of a tenant's control plane. */
export interface Rule {
  readonly name: string
  /** Control-plane namespace. */
  readonly namespace: string
  readonly component: string
}

const matching = ({ namespace, component }: Rule) => ({
  matchConstraints: {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    objectSelector: { matchLabels: { 'berth.dev/component': component } },
    resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
  },
})

/** Super makes no such pod any more. */
export const refusePods = (rule: Rule): Promise<string> =>
  apply(
    superKubectl,
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: rule.name },
      spec: { ...matching(rule), validations: [{ expression: 'false', message: `no ${rule.component} here` }] },
    },
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: rule.name },
      spec: { policyName: rule.name, validationActions: ['Deny'] },
    },
  )

/** Super gives such pods an image that nobody has. */
export const loseImage = (rule: Rule): Promise<string> =>
  apply(
    superKubectl,
    {
      apiVersion: admission,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name: rule.name },
      spec: {
        ...matching(rule),
        reinvocationPolicy: 'Never',
        mutations: [
          {
            patchType: 'JSONPatch',
            jsonPatch: {
              expression: `[JSONPatch{op: "replace", path: "/spec/containers/0/image", value: "registry.invalid/${rule.component}:none"}]`,
            },
          },
        ],
      },
    },
    {
      apiVersion: admission,
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: rule.name },
      spec: { policyName: rule.name },
    },
  )

const ruleKinds =
  'validatingadmissionpolicies,validatingadmissionpolicybindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings'

export const liftRules = (...names: readonly string[]): Promise<string> =>
  superKubectl(['delete', ruleKinds, ...names, '--ignore-not-found'])

/** Ends the pods of a component: what comes up goes by the rules of now. */
export const endPods = ({ namespace, component }: Rule): Promise<string> =>
  superKubectl(['delete', 'pods', '-n', namespace, '-l', `berth.dev/component=${component}`, '--now'])
