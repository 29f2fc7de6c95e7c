import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, namespaces, events, podDisruptionBudgets, priorityClasses, runtimeClasses, secrets, serviceAccounts } =
  resourceTypes
const namespace = 'life'
const soon = { deadlineMs: 30_000 }
/** Two cores for everything: a step of a story takes its time. */
const timeout = 90_000
const image = 'registry.example/berth:1'

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let superNs: string
let controllers: Child | undefined

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  superNs = superNamespace(acme.ref, namespace)
  for (const name of ['offered', 'other']) {
    await clusters.superApi.client.create(priorityClasses, { metadata: { name }, value: 1000 })
    await clusters.superApi.client.create(runtimeClasses, {
      metadata: { name },
      handler: 'runc',
      overhead: { podFixed: { memory: '8Mi' } },
    })
  }
  for (const name of ['node-1', 'node-2']) {
    const status = { declaredFeatures: ['InPlacePodLevelResourcesVerticalScaling'] }
    await clusters.superApi.client.patch(resourceTypes.nodes, { name }, { status }, { subresource: 'status' })
  }
  await clusters.superApi.client.patch(
    resourceTypes.tenantControlPlanes,
    { name: acme.ref.name, namespace: acme.ref.namespace },
    { spec: { sync: { classes: { priority: { allowed: ['offered'] }, runtime: { allowed: ['offered'] } } } } },
  )
  controllers = await startControllers(acme.api, ['disruption-controller'])
  syncer = await runSyncer(clusters, { log, image })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: namespace } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await controllers?.end()
  await clusters?.stop()
}, 60_000)

afterEach(() => clusters.kubelet.release())

const superClient = () => clusters.superApi.client
const tenantPod = (name: string) => acme.api.client.get(pods, { name, namespace })
const superPod = (name: string) => superClient().get(pods, { name, namespace: superNs })

/** Waits until something holds of the pod on one side, and gives it. */
const when = (side: typeof tenantPod, name: string, holds: (pod: KubeObject) => unknown): Promise<KubeObject> =>
  eventually(
    async () => {
      const pod = await side(name)
      if (!pod) throw new Error(`no pod ${name}`)
      if (!holds(pod)) throw new Error(JSON.stringify({ metadata: pod.metadata, status: pod.status }))
      return pod
    },
    { ...soon, describe: `pod ${name}` },
  )
const gone = (name: string) =>
  eventually(async () => (await tenantPod(name)) === undefined && (await superPod(name)) === undefined, {
    ...soon,
    describe: `the end of pod ${name} on both sides`,
  })

const make = (name: string, spec: Record<string, unknown> = {}, metadata: object = {}) =>
  acme.api.client.create(
    pods,
    aPod({
      metadata: { name, namespace, ...metadata },
      spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec },
    }),
  )
const isRunning = ({ spec, status }: KubeObject) => Boolean(spec.nodeName) && status?.phase === 'Running'
const makeRunning = async (name: string, spec: Record<string, unknown> = {}, metadata: object = {}): Promise<KubeObject> => {
  await make(name, spec, metadata)
  return when(tenantPod, name, isRunning)
}
/** As its kubelet, or super's scheduler, would tell of the pod. */
const superSays = async (name: string, status: Record<string, unknown>): Promise<void> => {
  await superClient().patch(pods, { name, namespace: superNs }, { status }, { type: 'strategic', subresource: 'status' })
}
const remove = (name: string, gracePeriodSeconds?: number) =>
  acme.api.client.delete(pods, { name, namespace }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds })
const patch = (name: string, body: object, subresource?: string) =>
  acme.api.client.patch(pods, { name, namespace }, body, { type: 'strategic', ...(subresource && { subresource }) })
const conditionOf = ({ status }: KubeObject, type: string): Record<string, unknown> | undefined =>
  status?.conditions?.find((condition: { type: string }) => condition.type === type)
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

describe('what the tenant changes reaches the running pod', () => {
  const evictable = 'cluster-autoscaler.kubernetes.io/safe-to-evict'
  test('image, labels, annotations, deadline and tolerations', { timeout }, async () => {
    await makeRunning('changing', {}, { labels: { tier: 'front', old: 'x' } })
    await patch('changing', {
      metadata: { labels: { tier: 'back', old: null }, annotations: { note: 'second', [evictable]: 'false' } },
      spec: {
        activeDeadlineSeconds: 3600,
        containers: [{ name: 'main', image: 'registry.example/web:2' }],
        tolerations: [{ key: 'spot', operator: 'Exists' }],
      },
    })
    const below = await when(superPod, 'changing', ({ spec }) => spec.containers[0].image === 'registry.example/web:2')
    expect(below.metadata.labels).toMatchObject({ tier: 'back' })
    expect(below.metadata.labels).not.toHaveProperty('old')
    expect(below.metadata.annotations).toMatchObject({ [evictable]: 'false' })
    expect(below.metadata.annotations).not.toHaveProperty('note')
    expect(below.spec.activeDeadlineSeconds).toBe(3600)
    expect(below.spec.tolerations).toContainEqual({ key: 'spot', operator: 'Exists' })
    await remove('changing', 0)
  })

  test('debug containers, and their status comes back', { timeout }, async () => {
    await makeRunning('debugged')
    const container = { name: 'debugger', image: 'busybox', targetContainerName: 'main', stdin: true, tty: true }
    await patch('debugged', { spec: { ephemeralContainers: [container] } }, 'ephemeralcontainers')
    const below = await when(superPod, 'debugged', ({ spec }) => spec.ephemeralContainers?.length === 1)
    expect(below.spec.ephemeralContainers[0]).toMatchObject(container)
    const state = { running: { startedAt: '2026-11-21T08:00:00Z' } }
    const status = { name: 'debugger', image: 'busybox', imageID: 'sha256:2', ready: false, restartCount: 0, state }
    await superSays('debugged', { ephemeralContainerStatuses: [status] })
    const above = await when(tenantPod, 'debugged', (pod) => pod.status.ephemeralContainerStatuses?.length === 1)
    expect(above.status.ephemeralContainerStatuses[0]).toMatchObject({ name: 'debugger', state })
    await remove('debugged', 0)
  })

  test('sizes of containers and of the whole pod', { timeout }, async () => {
    await makeRunning('sized', {
      resources: { requests: { cpu: '300m' }, limits: { cpu: '600m' } },
      containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu: '100m' }, limits: { cpu: '200m' } } }],
    })
    // Without sizes in the status the API servers take it for a node that cannot resize.
    const live = { requests: { cpu: '100m' }, limits: { cpu: '200m' } }
    await superSays('sized', { containerStatuses: [{ name: 'main', resources: live, allocatedResources: live.requests }] })
    await when(tenantPod, 'sized', ({ status }) => status.containerStatuses[0].resources)
    await patch('sized', { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '150m' } } }] } }, 'resize')
    const resized = await when(superPod, 'sized', ({ spec }) => spec.containers[0].resources.requests.cpu === '150m')
    expect(resized.spec.containers[0].resources.limits.cpu).toBe('200m')
    await patch('sized', { spec: { resources: { requests: { cpu: '400m' }, limits: { cpu: '800m' } } } }, 'resize')
    const whole = await when(superPod, 'sized', ({ spec }) => spec.resources.requests.cpu === '400m')
    expect(whole.spec.resources.limits.cpu).toBe('800m')
    await remove('sized', 0)
  })

  test('a scheduling gate holds the pod until the tenant takes it away', { timeout }, async () => {
    clusters.kubelet.hold()
    await make('gated', { schedulingGates: [{ name: 'example.com/quota' }] })
    await when(superPod, 'gated', ({ spec }) => spec.schedulingGates?.length === 1)
    await patch('gated', { spec: { schedulingGates: [{ $patch: 'delete', name: 'example.com/quota' }] } })
    await when(superPod, 'gated', ({ spec }) => !spec.schedulingGates?.length)
    clusters.kubelet.release()
    await when(tenantPod, 'gated', isRunning)
    await remove('gated', 0)
  })
})

describe('what becomes of the pod in super is told', () => {
  test('the condition of a readiness gate goes down, and Ready comes up', { timeout }, async () => {
    await makeRunning('waiting', { readinessGates: [{ conditionType: 'example.com/attached' }] })
    await patch('waiting', { status: { conditions: [{ type: 'example.com/attached', status: 'True' }] } }, 'status')
    await when(superPod, 'waiting', (pod) => conditionOf(pod, 'example.com/attached')?.['status'] === 'True')
    await superSays('waiting', { conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }] })
    const above = await when(tenantPod, 'waiting', (pod) => conditionOf(pod, 'Ready')?.['status'] === 'False')
    expect(conditionOf(above, 'example.com/attached')?.['status']).toBe('True')
    await remove('waiting', 0)
  })

  test("the scheduler's reason, in the tenant's words", { timeout }, async () => {
    clusters.kubelet.hold()
    await make('homeless')
    await when(superPod, 'homeless', () => true)
    const message = `0/2 nodes are available: pod ${superNs}/homeless does not fit.`
    await superSays('homeless', {
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, observedGeneration: 1 }],
    })
    const above = await when(tenantPod, 'homeless', (pod) => conditionOf(pod, 'PodScheduled'))
    expect(conditionOf(above, 'PodScheduled')).toMatchObject({
      status: 'False',
      reason: 'Unschedulable',
      message: `0/2 nodes are available: pod ${namespace}/homeless does not fit.`,
      observedGeneration: above.metadata.generation,
    })
    clusters.kubelet.release()
    await when(tenantPod, 'homeless', isRunning)
    await remove('homeless', 0)
  })

  test('generations in the count of the tenant, and its own class of service', { timeout }, async () => {
    const made = await makeRunning('counted', {
      containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu: '100m' } } }],
    })
    expect(made.status.qosClass).toBe('Burstable')
    await patch('counted', { spec: { activeDeadlineSeconds: 600 } })
    await patch('counted', { spec: { activeDeadlineSeconds: 500 } })
    const below = await when(superPod, 'counted', ({ spec }) => spec.activeDeadlineSeconds === 500)
    await superSays('counted', { observedGeneration: below.metadata.generation })
    const { metadata } = (await tenantPod('counted')) as KubeObject
    expect(metadata.generation).toBeGreaterThan(1)
    const above = await when(tenantPod, 'counted', ({ status }) => status.observedGeneration === metadata.generation)
    expect(above.status.qosClass).toBe('Burstable')
    await remove('counted', 0)
  })

  test('init containers, restarts and the end of a pod that does not start again', { timeout }, async () => {
    await makeRunning('finite', {
      restartPolicy: 'Never',
      initContainers: [{ name: 'first', image: 'init:1' }],
    })
    const ended = (exitCode: number, reason: string) => ({
      terminated: {
        exitCode,
        reason,
        startedAt: '2026-11-21T08:00:00Z',
        finishedAt: '2026-11-21T08:00:01Z',
        containerID: 'containerd://1',
      },
    })
    const common = { imageID: 'sha256:1', ready: false, containerID: 'containerd://1' }
    await superSays('finite', {
      phase: 'Failed',
      initContainerStatuses: [{ ...common, name: 'first', image: 'init:1', restartCount: 2, state: ended(0, 'Completed') }],
      containerStatuses: [{ ...common, name: 'main', image: 'web:1', restartCount: 0, state: ended(3, 'Error') }],
    })
    const { status } = await when(tenantPod, 'finite', (pod) => pod.status.phase === 'Failed')
    expect(status.initContainerStatuses[0]).toMatchObject({ name: 'first', restartCount: 2, state: ended(0, 'Completed') })
    expect(status.containerStatuses[0]).toMatchObject({ name: 'main', state: ended(3, 'Error') })
    await remove('finite', 0)
  })
})

describe('the end of a pod', () => {
  test('with its grace, then at once by force', { timeout }, async () => {
    await makeRunning('graceful')
    clusters.kubelet.hold()
    await remove('graceful', 120)
    const below = await when(superPod, 'graceful', ({ metadata }) => metadata.deletionTimestamp)
    expect(below.metadata.deletionGracePeriodSeconds).toBe(120)
    expect((await tenantPod('graceful'))?.metadata.deletionGracePeriodSeconds).toBe(120)
    await remove('graceful', 0)
    await gone('graceful')
  })

  test("by the eviction API, as the tenant's budget allows", { timeout }, async () => {
    const labels = { app: 'budgeted' }
    await makeRunning('budgeted', {}, { labels })
    const budget = { metadata: { name: 'budget', namespace }, spec: { minAvailable: 1, selector: { matchLabels: labels } } }
    await acme.api.client.create(podDisruptionBudgets, budget)
    await eventually(async () => {
      const found = await acme.api.client.get<KubeObject>(podDisruptionBudgets, { name: 'budget', namespace })
      return found?.status?.currentHealthy === 1 || Promise.reject(new Error(JSON.stringify(found?.status)))
    }, soon)
    const evict = () =>
      acme.api.client.create(
        pods,
        { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'budgeted', namespace } },
        { subresource: 'eviction' },
      )
    const refused = await evict().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(hasCode(refused, 'KUBE_TOO_MANY_REQUESTS')).toBe(true)
    expect(await superPod('budgeted')).toBeDefined()
    await acme.api.client.patch(podDisruptionBudgets, { name: 'budget', namespace }, { spec: { minAvailable: 0 } })
    await eventually(() => evict().then(() => true), soon)
    await gone('budgeted')
  })

  test.for<[name: string, reason: string]>([
    ['preempted', 'PreemptionByScheduler'],
    ['tainted', 'DeletionByTaintManager'],
  ])('%s in super: the tenant hears why before it is gone', { timeout }, async ([name, reason]) => {
    await makeRunning(name)
    clusters.kubelet.hold()
    const message = `preempting to make room for a pod in ${superNs}`
    // A condition without its time would be old at once: the controllers of a cluster take such a one back.
    const lastTransitionTime = new Date().toISOString()
    await superSays(name, { conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime }] })
    await superClient().delete(pods, { name, namespace: superNs }, { gracePeriodSeconds: 60 })
    const above = await when(tenantPod, name, (pod) => pod.metadata.deletionTimestamp && conditionOf(pod, 'DisruptionTarget'))
    expect(conditionOf(above, 'DisruptionTarget')).toMatchObject({ status: 'True', reason })
    expect(JSON.stringify(above.status)).not.toContain(superNs)
    clusters.kubelet.release()
    await gone(name)
  })

  test('evicted by its kubelet: it stays, Failed, with the reason', { timeout }, async () => {
    await makeRunning('evicted')
    await superSays('evicted', { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory. ' })
    const { status } = await when(tenantPod, 'evicted', (pod) => pod.status.phase === 'Failed')
    expect(status).toMatchObject({ reason: 'Evicted', message: 'The node was low on resource: memory. ' })
    await remove('evicted', 0)
    await gone('evicted')
  })

  test('with a node that is lost: told, and gone once super lets go, whatever was asked before', { timeout }, async () => {
    await makeRunning('lost')
    clusters.kubelet.hold()
    await superSays('lost', {
      conditions: [
        { type: 'Ready', status: 'False', reason: 'NodeLost', message: 'Node which was running the pod is unresponsive' },
      ],
    })
    await when(tenantPod, 'lost', (pod) => conditionOf(pod, 'Ready')?.['reason'] === 'NodeLost')
    await remove('lost', 300)
    await when(superPod, 'lost', ({ metadata }) => metadata.deletionTimestamp)
    await superClient().delete(pods, { name: 'lost', namespace: superNs }, { gracePeriodSeconds: 0 })
    await gone('lost')
  })

  test('that super let go while no syncer ran', { timeout }, async () => {
    for (const name of ['unseen', 'terminating']) await makeRunning(name)
    clusters.kubelet.hold()
    await remove('terminating', 300)
    await when(superPod, 'terminating', ({ metadata }) => metadata.deletionTimestamp)
    await syncer?.stop()
    for (const name of ['unseen', 'terminating'])
      await superClient().delete(pods, { name, namespace: superNs }, { gracePeriodSeconds: 0 })
    syncer = await runSyncer(clusters, { log, image })
    for (const name of ['unseen', 'terminating']) await gone(name)
  })
})

describe('classes', () => {
  test('of priority: one that is offered counts in super, any other is told to be left out', { timeout }, async () => {
    await eventually(() => acme.api.client.get(priorityClasses, { name: 'offered' }), soon)
    await acme.api.client.create(priorityClasses, { metadata: { name: 'mine' }, value: 500 })
    await makeRunning('important', { priorityClassName: 'offered' })
    expect((await superPod('important'))?.spec).toMatchObject({ priorityClassName: 'offered', priority: 1000 })
    await makeRunning('selfish', { priorityClassName: 'mine' })
    expect((await superPod('selfish'))?.spec).toMatchObject({ priority: 0 })
    expect((await told('selfish', 'PriorityNotInSuper')).message).toContain('mine')
    for (const name of ['important', 'selfish']) await remove(name, 0)
  })

  test("of runtime: one that is offered goes down with super's overhead", { timeout }, async () => {
    await eventually(() => acme.api.client.get(runtimeClasses, { name: 'offered' }), soon)
    await makeRunning('sandboxed', { runtimeClassName: 'offered' })
    expect((await superPod('sandboxed'))?.spec).toMatchObject({ runtimeClassName: 'offered', overhead: { memory: '8Mi' } })
    await acme.api.client.create(runtimeClasses, { metadata: { name: 'mine' }, handler: 'runc' })
    await make('unsupported', { runtimeClassName: 'mine' })
    expect((await told('unsupported', 'RuntimeClassNotAllowed')).message).toContain('mine')
    expect(await superPod('unsupported')).toBeUndefined()
    for (const name of ['sandboxed', 'unsupported']) await remove(name, 0)
  })
})

describe('tokens', () => {
  const secretsOf = async (uid: string): Promise<KubeObject[]> => {
    const { items } = await superClient().list<KubeObject>(secrets, { namespace: superNs })
    return items.filter(({ metadata }) => metadata.annotations?.['berth.dev/uid'] === uid)
  }
  const tokensOf = async (uid: string): Promise<string[]> => {
    const [secret, ...more] = await secretsOf(uid)
    if (!secret || more.length > 0) throw new Error(`${more.length + 1} Secrets of pod ${uid}`)
    return Object.values(secret.data as Record<string, string>).map((value) => Buffer.from(value, 'base64').toString())
  }
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      aud: string[]
      exp: number
      iat: number
      jti: string
      'kubernetes.io': { node?: object }
    }
  /** What the tenant's API server thinks of a token for this audience. */
  const isBelieved = async (token: string, audience: string): Promise<boolean> => {
    const { status } = await acme.api.client.create<KubeObject>(
      { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenReview', plural: 'tokenreviews', namespaced: false },
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: {},
        spec: { token, audiences: [audience] },
      },
    )
    return status?.authenticated === true
  }

  test('of several audiences and lives in one volume, renewed at 80 % of their life, of no worth after the pod', {
    timeout,
  }, async () => {
    await acme.api.client.create(serviceAccounts, { metadata: { name: 'builder', namespace } })
    const sources = [
      { serviceAccountToken: { path: 'vault', audience: 'vault', expirationSeconds: 600 } },
      { serviceAccountToken: { path: 'store', audience: 'store', expirationSeconds: 1200 } },
      { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
    ]
    const { metadata } = await makeRunning('trusted', {
      serviceAccountName: 'builder',
      volumes: [{ name: 'ids', projected: { sources } }],
    })
    const uid = metadata.uid ?? ''
    // Those of its first moment do not name its node yet, and are followed by some that do.
    const first = await eventually(async () => {
      const tokens = await tokensOf(uid)
      return tokens.every((token) => claimsOf(token)['kubernetes.io'].node) ? tokens : undefined
    }, soon)
    expect(first.map(claimsOf).map(({ aud, exp, iat }) => [aud, exp - iat])).toEqual([
      [['vault'], 600],
      [['store'], 1200],
    ])
    const [vault = '', store = ''] = first
    expect([await isBelieved(vault, 'vault'), await isBelieved(vault, 'store'), await isBelieved(store, 'store')]).toEqual([
      true,
      false,
      true,
    ])

    // The shortest life decides: 480 s. The syncer is followed by one whose clock is past that.
    const at = async () => (await secretsOf(uid))[0]?.metadata.annotations?.['berth.dev/renew-at']
    const renewAt = Date.parse((await at()) ?? '')
    expect(Math.abs(renewAt / 1000 - (claimsOf(vault).iat + 480))).toBeLessThan(5)
    await syncer?.stop()
    syncer = await runSyncer(clusters, { log, image, now: () => Date.now() + 420_000 })
    await when(tenantPod, 'trusted', isRunning)
    expect(await tokensOf(uid)).toEqual(first)
    await syncer.stop()
    syncer = await runSyncer(clusters, { log, image, now: () => Date.now() + 490_000 })
    const [renewed = ''] = await eventually(async () => {
      const tokens = await tokensOf(uid)
      return tokens[0] === vault ? undefined : tokens
    }, soon)
    // Whole seconds: all of this may take less than one.
    expect(claimsOf(renewed).iat).toBeGreaterThanOrEqual(claimsOf(vault).iat)
    expect(claimsOf(vault).jti).toBeTruthy()
    expect(claimsOf(renewed).jti).not.toBe(claimsOf(vault).jti)
    await syncer.stop()
    syncer = await runSyncer(clusters, { log, image })

    await remove('trusted', 0)
    await gone('trusted')
    await eventually(async () => (await secretsOf(uid)).length === 0, soon)
    await eventually(async () => !(await isBelieved(renewed, 'vault')), soon)
  })

  test('of the old kind, in a Secret that the tenant fills: nobody in super does', { timeout }, async () => {
    const name = 'old-token'
    const annotations = { 'kubernetes.io/service-account.name': 'builder' }
    await acme.api.client.create(secrets, {
      metadata: { name, namespace, annotations },
      type: 'kubernetes.io/service-account-token',
    })
    const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name, key: 'token', optional: true } } }]
    await makeRunning('old-fashioned', { containers: [{ name: 'main', image: 'web:1', env }] })
    const below = () => superClient().get<KubeObject>(secrets, { name, namespace: superNs })
    const empty = await eventually(below, soon)
    expect([empty.type, empty.metadata.annotations?.['kubernetes.io/service-account.name']]).toEqual(['Opaque', undefined])
    await acme.api.client.patch(secrets, { name, namespace }, { data: { token: 'dG9rZW4=' } })
    await eventually(async () => (await below())?.data?.token === 'dG9rZW4=', soon)
    await remove('old-fashioned', 0)
  })
})

test('the container that writes a hosts file is no container of the tenant', { timeout }, async () => {
  await makeRunning('named', { subdomain: 'db', hostname: 'named' })
  const below = await when(superPod, 'named', () => true)
  clusters.kubelet.hold()
  const [writer] = below.spec.initContainers
  expect(writer).toMatchObject({ image })
  const waiting = {
    name: writer.name,
    image,
    imageID: '',
    ready: false,
    restartCount: 0,
    state: { waiting: { reason: 'PodInitializing' } },
  }
  const message = `containers with incomplete status: [${writer.name}]`
  await superSays('named', {
    phase: 'Pending',
    conditions: [{ type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message }],
    initContainerStatuses: [waiting],
  })
  const above = await when(tenantPod, 'named', (pod) => pod.status.phase === 'Pending')
  expect(conditionOf(above, 'Initialized')).toMatchObject({ status: 'True' })
  expect(JSON.stringify(above)).not.toContain(writer.name)
  clusters.kubelet.release()
  await remove('named', 0)
  await gone('named')
})

test('after all of this both sides are equal', { timeout }, async () => {
  const report = await verifyOnce(clusters, acme)
  expect([...report.differences, ...report.moving]).toEqual([])
})
