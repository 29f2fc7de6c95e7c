import { componentNames, secretNames } from '../../src/controlplane/names.ts'
import { issueLeaf } from '../../src/controlplane/pki/issue.ts'
import { apply, getJson, superKubectl } from './kubectl.ts'
import { busybox, idle, pod, shell } from './objects.ts'
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
  await superKubectl(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/ruins', '-n', 'default', '--timeout=90s'], {
    timeoutMs: 100_000,
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

const manager = ['deployment/berth-manager', '-n', 'berth-system']

/** The API server shows a certificate that has ended, as after a month without a manager. */
export const expireCertificate = async ({ controlPlaneNamespace: at, status: { endpoint } }: Tenant): Promise<void> => {
  const { data: authority = {} } = await getJson(superKubectl, ['secret', secretNames.clusterAuthority, '-n', at])
  const text = (key: string): string => Buffer.from(authority[key] ?? '', 'base64').toString('utf8')
  const hour = 3_600_000
  const leaf = await issueLeaf(
    { cert: text('tls.crt'), key: text('tls.key') },
    {
      subject: { commonName: 'kube-apiserver' },
      names: [new URL(endpoint).hostname, 'kubernetes'],
      usages: ['server'],
      notBefore: new Date(Date.now() - 2 * hour),
      notAfter: new Date(Date.now() - hour),
    },
  )
  const { spec } = await getJson(superKubectl, [manager[0] ?? '', ...manager.slice(1)])
  await superKubectl(['scale', ...manager, '--replicas=0'])
  await superKubectl(
    ['wait', '--for=delete', 'pods', '-l', 'app.kubernetes.io/name=berth-manager', '-n', 'berth-system', '--timeout=60s'],
    {
      timeoutMs: 70_000,
    },
  )
  const data = { 'serving.crt': btoa(leaf.cert), 'serving.key': btoa(leaf.key) }
  await superKubectl(['patch', 'secret', secretNames.kubeApiServer, '-n', at, '--type=merge', '-p', JSON.stringify({ data })])
  const component = `berth.dev/component=${componentNames.kubeApiServer}`
  await superKubectl(['delete', 'pods', '-n', at, '-l', component, '--now'])
  await superKubectl(['rollout', 'status', `deployment/${componentNames.kubeApiServer}`, '-n', at, '--timeout=60s'], {
    timeoutMs: 70_000,
  })
  await superKubectl(['scale', ...manager, `--replicas=${Number(spec?.['replicas'] ?? 1)}`])
  await superKubectl(['rollout', 'status', ...manager, '--timeout=60s'], { timeoutMs: 70_000 })
}

/** The tenant lets nobody write the status of a pod without asking a Service that is not there. */
export const blockByWebhook = async ({ kubectl }: Tenant): Promise<void> => {
  await apply(kubectl, {
    apiVersion: admission,
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'guard' },
    webhooks: [
      {
        name: 'guard.example.com',
        clientConfig: { service: { namespace: 'default', name: 'guard', port: 443 } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/status'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  })
  await apply(kubectl, pod('default', 'blocked', shell(idle)))
}
