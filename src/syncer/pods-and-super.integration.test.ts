import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { superConfigName, superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

/** Super has a mind of its own: it refuses, it changes what it is given, and its nodes are not what the tenant says of them. */
const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, namespaces, nodes, events, configMaps, secrets, serviceAccounts } = resourceTypes
const admission = (plural: string, kind: string): ResourceType => ({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: false,
})
const policies = admission('mutatingadmissionpolicies', 'MutatingAdmissionPolicy')
const policyBindings = admission('mutatingadmissionpolicybindings', 'MutatingAdmissionPolicyBinding')
const namespace = 'work'
const soon = { deadlineMs: 30_000 }
const timeout = 90_000

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let superNs: string

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  superNs = superNamespace(acme.ref, namespace)
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: namespace } }))
  await acme.api.client.create(serviceAccounts, { metadata: { name: 'robot', namespace } })
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)
afterEach(() => clusters.kubelet.release())

const superClient = () => clusters.superApi.client
const tenantPod = (name: string) => acme.api.client.get(pods, { name, namespace })
const superPod = (name: string) => superClient().get(pods, { name, namespace: superNs })
const when = (side: typeof tenantPod, name: string, holds: (pod: KubeObject) => unknown): Promise<KubeObject> =>
  eventually(
    async () => {
      const pod = await side(name)
      if (!pod) throw new Error(`no pod ${name}`)
      if (!holds(pod)) throw new Error(JSON.stringify({ metadata: pod.metadata, spec: pod.spec, status: pod.status }))
      return pod
    },
    { ...soon, describe: `pod ${name}` },
  )
const isRunning = ({ spec, status }: KubeObject) => Boolean(spec.nodeName) && status?.phase === 'Running'
const make = (name: string, spec: Record<string, unknown> = {}) =>
  acme.api.client.create(
    pods,
    aPod({ metadata: { name, namespace }, spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec } }),
  )
const patch = (name: string, body: object, subresource?: string) =>
  acme.api.client.patch(pods, { name, namespace }, body, { type: 'strategic', ...(subresource && { subresource }) })
const remove = (name: string) => acme.api.client.delete(pods, { name, namespace }, { gracePeriodSeconds: 0 })
const superSays = (name: string, status: Record<string, unknown>) =>
  superClient().patch(pods, { name, namespace: superNs }, { status }, { type: 'strategic', subresource: 'status' })
const told = (name: string, reason: string) =>
  eventually(
    async () => {
      const { items } = await acme.api.client.list<KubeObject>(events, {
        namespace,
        fieldSelector: `involvedObject.name=${name}`,
      })
      return items.find((event) => event.reason === reason)
    },
    { ...soon, describe: `an Event ${reason} of pod ${name}` },
  )
const debug = (capabilities: object) => ({ name: 'debugger', image: 'busybox', securityContext: { capabilities } })

test('kubectl debug asks for more than the level allows: it works with less, and says so', { timeout }, async () => {
  await make('traced')
  await when(tenantPod, 'traced', isRunning)
  await patch('traced', { spec: { ephemeralContainers: [debug({ add: ['SYS_PTRACE', 'KILL'] })] } }, 'ephemeralcontainers')
  const below = await when(superPod, 'traced', ({ spec }) => spec.ephemeralContainers?.length === 1)
  expect(below.spec.ephemeralContainers[0].securityContext.capabilities).toEqual({ add: ['KILL'] })
  expect((await told('traced', 'CapabilitiesNotAllowed')).message).toContain('debugger: SYS_PTRACE')
  await remove('traced')
})

/** From now on super takes no debug container of this image. */
const refuseDebugging = async (image: string, pod: string): Promise<void> => {
  const { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } = resourceTypes
  const metadata = { name: 'no-debugging' }
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/ephemeralcontainers'] }
  const expression = `object.spec.ephemeralContainers.all(container, container.image != '${image}')`
  await superClient().create(validatingAdmissionPolicies, {
    metadata,
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression, message: `${image} is not welcome` }] },
  })
  await superClient().create(validatingAdmissionPolicyBindings, {
    metadata,
    spec: { policyName: metadata.name, validationActions: ['Deny'] },
  })
  const spec = { ephemeralContainers: [{ name: 'probe', image }] }
  const options = { type: 'strategic', subresource: 'ephemeralcontainers', dryRun: true } as const
  await eventually(
    async () => {
      try {
        await superClient().patch(pods, { name: pod, namespace: superNs }, { spec }, options)
        return false
      } catch (error) {
        return hasCode(error, 'KUBE_INVALID')
      }
    },
    { ...soon, describe: 'super to refuse a debug container' },
  )
}

test('what super refuses of a pod holds up nothing else of it', { timeout }, async () => {
  const sources = [{ serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 600 } }]
  await make('stubborn', {
    serviceAccountName: 'robot',
    readinessGates: [{ conditionType: 'example.com/attached' }],
    volumes: [{ name: 'ids', projected: { sources } }],
  })
  const { metadata } = await when(tenantPod, 'stubborn', isRunning)
  await refuseDebugging('unwelcome:1', 'stubborn')
  const unwelcome = { name: 'debugger', image: 'unwelcome:1' }
  await patch('stubborn', { spec: { ephemeralContainers: [unwelcome] } }, 'ephemeralcontainers')
  expect((await told('stubborn', 'SyncFailed')).message).toMatch(/unwelcome:1 is not welcome/)
  // Down: a condition. Up: its status. Beside both: its tokens, of which somebody takes one away.
  await patch('stubborn', { status: { conditions: [{ type: 'example.com/attached', status: 'True' }] } }, 'status')
  await when(superPod, 'stubborn', ({ status }) =>
    status?.conditions?.some(
      ({ type, status: is }: { type: string; status: string }) => type === 'example.com/attached' && is === 'True',
    ),
  )
  await superSays('stubborn', { message: 'still told' })
  await when(tenantPod, 'stubborn', ({ status }) => status?.message === 'still told')
  const tokens = async () => {
    const { items } = await superClient().list<KubeObject>(secrets, { namespace: superNs })
    return items.find(({ metadata: { annotations } }) => annotations?.['berth.dev/uid'] === metadata.uid)
  }
  const before = await eventually(tokens, soon)
  await superClient().delete(secrets, { name: before.metadata.name ?? '', namespace: superNs })
  await eventually(
    async () => {
      const now = await tokens()
      return now && now.metadata.uid !== before.metadata.uid
    },
    { ...soon, describe: 'the tokens are there again' },
  )
  await remove('stubborn')
})

test("super's own admission adds to pods and changes them: nobody fights over it", { timeout }, async () => {
  const mutations = [
    '[JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "mesh", image: "mesh:1"}}]',
    '[JSONPatch{op: "replace", path: "/spec/containers/0/resources/requests/cpu", value: "250m"}]',
  ].map((expression) => ({ patchType: 'JSONPatch', jsonPatch: { expression } }))
  const name = 'mesh'
  await superClient().create(policies, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: policies.kind,
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      matchConditions: [{ name: 'meshed', expression: "object.metadata.name.startsWith('meshed')" }],
      mutations,
    },
  })
  await superClient().create(policyBindings, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: policyBindings.kind,
    metadata: { name },
    spec: { policyName: name },
  })
  // Admission hears of a new policy a moment later.
  const sized = { containers: [{ name: 'main', image: 'registry.example/web:1', resources: { requests: { cpu: '100m' } } }] }
  let turn = 0
  const meshed = await eventually(
    async () => {
      turn += 1
      const candidate = `meshed-${turn}`
      await make(candidate, sized)
      const { spec } = await when(superPod, candidate, () => true)
      if (spec.containers.length === 2) return candidate
      await remove(candidate)
      throw new Error('not meshed yet')
    },
    { ...soon, everyMs: 500, describe: 'a pod that super changes' },
  )
  await when(tenantPod, meshed, isRunning)
  // Its size is asked for once more, as a change of the tenant's would be. Who sizes it again in super is not fought with.
  const sizeOf = ({ spec }: KubeObject) => spec.containers[0].resources.requests.cpu
  const live = [{ name: 'main', resources: { requests: { cpu: '250m' } }, allocatedResources: { cpu: '250m' } }]
  await superSays(meshed, { containerStatuses: live })
  await when(superPod, meshed, (pod) => sizeOf(pod) === '100m')
  const size = { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '300m' } } }] } }
  await superClient().patch(pods, { name: meshed, namespace: superNs }, size, { type: 'strategic', subresource: 'resize' })
  const { generation } = (await superPod(meshed))?.metadata ?? {}
  const bandwidth = 'kubernetes.io/egress-bandwidth'
  for (const limit of ['1M', '2M', '3M']) {
    await patch(meshed, { metadata: { annotations: { [bandwidth]: limit } } })
    const pod = await when(superPod, meshed, ({ metadata }) => metadata.annotations?.[bandwidth] === limit)
    expect([sizeOf(pod), pod.metadata.generation]).toEqual(['300m', generation])
  }
  await patch(meshed, { spec: { containers: [{ name: 'main', image: 'registry.example/web:2' }] } })
  const below = await when(superPod, meshed, ({ spec }) => spec.containers[0].image === 'registry.example/web:2')
  expect(below.spec.containers.map(({ name: container }: { name: string }) => container)).toEqual(['main', 'mesh'])
  const above = await when(tenantPod, meshed, ({ spec }) => spec.containers[0].image === 'registry.example/web:2')
  expect(above.spec.containers).toHaveLength(1)
  await remove(meshed)
  await superClient().delete(policyBindings, { name })
  await superClient().delete(policies, { name })
})

test('what happened to a pod while our label was off it is told once the label is back', { timeout }, async () => {
  await make('stripped')
  await when(tenantPod, 'stripped', isRunning)
  await syncer?.stop()
  const ref = { name: 'stripped', namespace: superNs }
  await superClient().patch(pods, ref, { metadata: { labels: { [tenantLabel]: null } } }, { type: 'merge' })
  await superSays('stripped', { message: 'meanwhile' })
  syncer = await runSyncer(clusters, { log })
  await when(superPod, 'stripped', ({ metadata }) => metadata.labels?.[tenantLabel] === acme.ref.uid)
  await when(tenantPod, 'stripped', ({ status }) => status?.message === 'meanwhile')
  await remove('stripped')
})

test('what cannot be changed in place is made anew under the pods that refer to it', { timeout }, async () => {
  const { client } = acme.api
  const config = (data: object) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'fixed', namespace },
    immutable: true,
    data,
  })
  const secret = (type: string, stringData: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'typed', namespace },
    type,
    stringData,
  })
  await client.create(configMaps, config({ color: 'blue' }))
  await client.create(secrets, secret('Opaque', { username: 'one' }))
  await make('reader', {
    volumes: [
      { name: 'c', configMap: { name: 'fixed' } },
      { name: 's', secret: { secretName: 'typed' } },
    ],
  })
  await when(tenantPod, 'reader', isRunning)
  const below = (type: ResourceType, name: string) =>
    superClient().get<KubeObject>(type, { name: superConfigName(name), namespace: superNs })
  expect((await below(configMaps, 'fixed'))?.['data']).toEqual({ color: 'blue' })

  await client.delete(configMaps, { name: 'fixed', namespace })
  await client.create(configMaps, config({ color: 'green' }))
  await client.delete(secrets, { name: 'typed', namespace })
  await client.create(secrets, secret('kubernetes.io/basic-auth', { username: 'two' }))
  await eventually(async () => (await below(configMaps, 'fixed'))?.['data'].color === 'green', {
    ...soon,
    describe: 'the new ConfigMap',
  })
  await eventually(async () => (await below(secrets, 'typed'))?.['type'] === 'kubernetes.io/basic-auth', {
    ...soon,
    describe: 'the new Secret',
  })
  expect((await below(configMaps, 'fixed'))?.['immutable']).toBe(true)
  await remove('reader')
})

test('pull secrets go down with the pods that name them', { timeout }, async () => {
  const { client } = acme.api
  const data = { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') }
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'regcred', namespace },
    type: 'kubernetes.io/dockerconfigjson',
    data,
  })
  // Also those of its account: the tenant's admission copies them to the pod.
  await make('pulled', { imagePullSecrets: [{ name: 'regcred' }] })
  await when(tenantPod, 'pulled', isRunning)
  const { spec } = await when(superPod, 'pulled', () => true)
  expect(spec.imagePullSecrets).toEqual([{ name: superConfigName('regcred') }])
  const below = await superClient().get<KubeObject>(secrets, { name: superConfigName('regcred'), namespace: superNs })
  expect(below?.['data']).toEqual(data)
  await remove('pulled')
})

test('a quota of super that is used up is told without its names, and the pod runs once there is room', { timeout }, async () => {
  await superClient().create(resourceTypes.resourceQuotas, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tight', namespace: superNs },
    spec: { hard: { pods: '0' } },
  })
  // No quota controller runs here, which would count.
  const status = { hard: { pods: '0' }, used: { pods: '0' } }
  const ref = { name: 'tight', namespace: superNs }
  await superClient().patch(resourceTypes.resourceQuotas, ref, { status }, { type: 'merge', subresource: 'status' })
  const probe = aPod({ metadata: { name: 'probe', namespace: superNs } })
  await eventually(
    () =>
      superClient()
        .create(pods, probe, { dryRun: true })
        .then(
          () => false,
          (error: unknown) => error instanceof Error && error.message.includes('quota'),
        ),
    { describe: 'the quota in force' },
  )
  await make('crowded')
  const { message } = await told('crowded', 'SyncFailed')
  expect(message).toMatch(/quota/)
  expect(message).not.toContain(superNs)
  await superClient().delete(resourceTypes.resourceQuotas, ref)
  await when(tenantPod, 'crowded', isRunning)
  await remove('crowded')
})

test('labels, taints and cordons of the tenant go down as names of nodes, anew while the pod waits', { timeout }, async () => {
  clusters.kubelet.hold()
  const [first = '', second = ''] = (await acme.api.client.list<KubeObject>(nodes)).items
    .map(({ metadata }) => metadata.name ?? '')
    .sort()
  const choiceOf = async (name: string): Promise<unknown> =>
    (await superPod(name))?.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const chooses = (name: string, wanted: unknown) =>
    eventually(
      async () => {
        const found = await choiceOf(name)
        expect(found).toEqual(wanted)
        return true
      },
      { ...soon, describe: `the choice of ${name}` },
    )
  const requirement = (operator: string, ...values: string[]) => [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator, values }] },
  ]
  const say = (name: string, body: object) => acme.api.client.patch(nodes, { name }, body, { type: 'merge' })

  await say(first, { metadata: { labels: { disk: 'ssd' } } })
  await make('choosy', { nodeSelector: { disk: 'ssd' } })
  await chooses('choosy', requirement('In', first))
  const { metadata } = (await tenantPod('choosy')) ?? { metadata: {} }
  await say(second, { metadata: { labels: { disk: 'ssd' } } })
  await chooses('choosy', requirement('In', first, second))
  await say(first, { spec: { unschedulable: true } })
  await chooses('choosy', [
    {
      matchExpressions: [
        { key: 'kubernetes.io/hostname', operator: 'In', values: [first, second] },
        { key: 'kubernetes.io/hostname', operator: 'NotIn', values: [first] },
      ],
    },
  ])
  expect((await superClient().get<KubeObject>(nodes, { name: first }))?.spec?.unschedulable).toBeUndefined()
  expect((await tenantPod('choosy'))?.metadata.uid).toBe(metadata.uid)
  clusters.kubelet.release()
  await when(tenantPod, 'choosy', isRunning)
  await say(first, { metadata: { labels: { disk: null } }, spec: { unschedulable: null } })
  await say(second, { metadata: { labels: { disk: null } } })
  expect((await tenantPod('choosy'))?.metadata.uid).toBe(metadata.uid)
  expect((await verifyOnce(clusters, acme)).differences).toEqual([])
  await remove('choosy')
})
