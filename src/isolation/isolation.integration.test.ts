import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isolationSpec } from '../apis/isolation.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { isolationSettings } from '../tenancy/isolation.ts'
import { componentLabel, isolationRunLabel, tenantLabel } from '../tenancy/marks.ts'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { kubeconfigText } from '../testing/api-server.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { applyInstalled, installedObjects, serviceAccountGroups } from '../testing/installed-rights.ts'
import { policiesInForce } from '../testing/policies-in-force.ts'
import { type RunningSyncer, runSyncer } from '../testing/run-syncer.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'
import { type BenchParts, openBench, sweep } from './bench.ts'
import type { CheckResult } from './check.ts'
import { checks } from './checks/index.ts'
import { chooseChecks } from './choose.ts'
import { runChecks } from './run.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, secrets, storageClasses } = resourceTypes
const stop = new AbortController()
const controllers = ['serviceaccount-controller', 'clusterrole-aggregation-controller', 'namespace-controller'] as const

/** What checks ask for as the tenant, and must not get. */
const tried = [
  'tenant list /secrets',
  'tenant delete /namespaces',
  'tenant delete /resourcequotas',
  'tenant delete /serviceaccounts',
  'tenant delete networking.k8s.io/networkpolicies',
  'tenant delete rbac.authorization.k8s.io/rolebindings',
  // The account of scheduled runs has no right to keys of control planes: what they are it knows by their names.
  'berth-isolation-verify get /secrets',
  'berth-isolation-verify get /configmaps',
]

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let globex: SyncTenant
/** Whom scheduled runs work as in super and management: with its rights alone all of this goes. */
let account: KubeClient
let accountConnection: KubeConnection
const children: Child[] = []

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log, superRefused: tried })
  acme = clusters.tenants[0] as SyncTenant
  globex = clusters.tenants[1] as SyncTenant
  children.push(await startControllers(acme.api, [...controllers]))
  await patchPlane(clusters, acme, { isolation: { profile: 'restricted' } })
  const rights = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']
  const policies = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']
  const installed = await installedObjects({ isolationVerify: { enabled: true } }, ...rights, ...policies)
  const ofOption = installed.filter(({ metadata }) => metadata.name?.includes('isolation-verify'))
  await applyInstalled(clusters.superApi.client, ofOption)
  accountConnection = await clusters.superApi.connectionAs(accountName, serviceAccountGroups)
  account = connect(accountConnection)
  syncer = await runSyncer(clusters, { log })
  // Rights come into force a moment later, policies some more.
  await eventually(() => account.list(resourceTypes.nodes), { deadlineMs: 30_000, describe: 'the rights of the account' })
  await policiesInForce(clusters.superApi.client)
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await account?.close()
  await Promise.all(children.map((child) => child.end()))
  await clusters?.stop()
}, 60_000)

const accountName = 'system:serviceaccount:berth-system:berth-isolation-verify'
const connect = (connection: KubeConnection) => createKubeClient(connection, { userAgent: 'test' })

const partsOf = (spec: object, more: Partial<BenchParts> = {}): BenchParts => ({
  tenant: acme.ref,
  controlPlaneNamespace: acme.controlPlaneNamespace,
  settings: isolationSettings(isolationSpec.parse(spec)),
  classRules: undefined,
  management: account,
  superSide: { client: account, connection: accountConnection },
  neighbour: {
    name: globex.ref.name,
    uid: globex.ref.uid,
    controlPlaneNamespace: globex.controlPlaneNamespace,
    connection: globex.api.connection,
  },
  image: 'agnhost',
  waitMs: 15_000,
  signal: stop.signal,
  adminConnection: acme.api.connection,
  connect,
  now: Date.now,
  ...more,
})

const results = async (parts: BenchParts, ids: { only?: readonly string[]; skip?: readonly string[] }) => {
  const { bench, close } = await openBench(parts)
  try {
    return await runChecks(chooseChecks(checks, ids), bench)
  } finally {
    await close()
  }
}

/** Needs pods that run. */
const onClusters = ['MTB-PL1-BC-NI-1', 'BERTH-NI-1', 'BERTH-NI-2', 'BERTH-HI-1']

const named = (found: readonly CheckResult[], ...which: readonly CheckResult['result'][]) =>
  found.filter(({ result }) => which.includes(result)).map(({ id, message }) => `${id}: ${message}`)

/** What a run leaves in an API server. */
const remains = async ({ client }: SyncClusters['superApi']) => {
  const { items } = await client.list(namespaces, { labelSelector: isolationRunLabel })
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name)
}

/** A pod of acme's control plane. There is no controller here that would make accounts. */
const serverPod = (name: string, spec: object = {}, component = 'kube-apiserver'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: acme.controlPlaneNamespace, labels: { [componentLabel]: component } },
  spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'i' }], ...spec },
})
const keysVolume = { name: 'keys', secret: { secretName: 'kube-apiserver-keys' } }

/** A control plane as Berth makes it: with keys of its own. */
beforeAll(async () => {
  const { client } = clusters.superApi
  const at = { namespace: acme.controlPlaneNamespace }
  await client.create(resourceTypes.serviceAccounts, { metadata: { name: 'default', ...at } })
  await client.create(secrets, {
    metadata: { name: 'kube-apiserver-keys', ...at },
    stringData: { kubeconfig: kubeconfigText(acme.api.connection) },
  } as KubeObject)
  await client.create(pods, serverPod('kube-apiserver-0', { volumes: [keysVolume] }))
})

/** A class of super that is offered, so that there are claims. */
beforeAll(async () => {
  await clusters.superApi.client.create(resourceTypes.storageClasses, {
    metadata: { name: 'standard' },
    provisioner: 'example.com/disk',
  })
  await eventually(() => acme.api.client.get(resourceTypes.storageClasses, { name: 'standard' }), {
    deadlineMs: 60_000,
    describe: 'the class in the tenant',
  })
})

describe('a tenant at profile restricted', () => {
  const quotas = ['MTB-PL1-CC-FNS-1', 'MTB-PL1-CC-FNS-2']
  /** Their rules are in no part of this world: a syncer with the newest of both is in the story on a cluster. */
  const elsewhere = ['MTB-PL1-CC-DI-1', 'MTB-PL1-BC-HI-1-NODEPORT', ...quotas, ...onClusters]

  test('passes what an API server of super and the syncer decide', { timeout: 120_000 }, async () => {
    const found = await results(partsOf({ profile: 'restricted' }), { skip: elsewhere })
    expect(named(found, 'fail', 'error')).toEqual([])
    expect(named(found, 'not-applicable')).toEqual([])
    expect(found.filter(({ result }) => result === 'pass').every(({ evidence }) => evidence.length > 0)).toBe(true)
    await eventually(async () => (await remains(acme.api)).length === 0, { describe: 'nothing left in the tenant' })
    expect(await remains(clusters.superApi)).toEqual([])
  })

  test('without a quota fails the checks of it, and passes them with one in the namespace', { timeout: 60_000 }, async () => {
    const [cpu, counts] = await results(partsOf({ profile: 'restricted' }), { only: quotas })
    expect(cpu).toMatchObject({ result: 'fail', message: expect.stringContaining('cpu, memory, ephemeral-storage') })
    expect(counts?.result).toBe('fail')
    const hard = { 'requests.cpu': '1', 'limits.memory': '1Gi', 'requests.ephemeral-storage': '1Gi' }
    const { bench, close } = await openBench(partsOf({ profile: 'restricted', quota: { hard } }))
    try {
      const quota = { metadata: { name: 'q', namespace: bench.namespace }, spec: { hard } }
      await acme.api.client.create(resourceTypes.resourceQuotas, quota)
      const found = await runChecks(chooseChecks(checks, { only: quotas }), bench)
      expect(found.map(({ result }) => result)).toEqual(['pass', 'fail'])
      // A limit over all namespaces is told in another place.
      const counts = 'pods services replicationcontrollers resourcequotas secrets configmaps persistentvolumeclaims'
      const hardLines = [...counts.split(' '), 'services.nodeports', 'services.loadbalancers']
        .map((name) => `${name}: 5\n`)
        .join('')
      await acme.api.client.create(resourceTypes.configMaps, {
        metadata: { name: 'tenant-quota', namespace: 'kube-public' },
        data: { hard: hardLines, used: '' },
      })
      const again = await runChecks(chooseChecks(checks, { only: quotas }), bench)
      expect(again.map(({ result }) => result)).toEqual(['pass', 'pass'])
    } finally {
      await close()
    }
  })
})

/** What keeps Berth's objects in super from who speaks as a tenant. */
const guards = ['berth-fittings', 'berth-tenant-writes']
const policyBindings = resourceTypes.validatingAdmissionPolicyBindings

describe('a layer that does not hold is seen', () => {
  test('a pod that reached super fails the check, as when the syncer goes by other settings', { timeout: 120_000 }, async () => {
    await patchPlane(clusters, acme, { isolation: { profile: 'baseline' } })
    const { bench, close } = await openBench(partsOf({ profile: 'restricted' }))
    try {
      const below = superNamespace(acme.ref, bench.namespace)
      const levelOf = async () => (await clusters.superApi.client.get(namespaces, { name: below }))?.metadata.labels ?? {}
      await eventually(async () => (await levelOf())['pod-security.kubernetes.io/enforce'] === 'baseline', {
        deadlineMs: 60_000,
        describe: 'the level of baseline in super',
      })
      const [found] = await runChecks(chooseChecks(checks, { only: ['MTB-PL1-BC-CPI-3'] }), bench)
      expect(found).toMatchObject({ result: 'fail', message: expect.stringContaining('capability SETPCAP reached super') })
    } finally {
      await patchPlane(clusters, acme, { isolation: { profile: 'restricted' } })
      await close()
    }
  })

  test("an identity that may delete Berth's objects in super, and read Secrets of others, fails the checks of it", {
    timeout: 120_000,
  }, async () => {
    const { client } = clusters.superApi
    const name = 'too-much'
    await client.create(resourceTypes.clusterRoleBindings, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: tenantIdentity(acme.ref.uid) }],
    })
    try {
      const outcome = async () => {
        const found = await results(partsOf({ profile: 'restricted' }), { only: ['MTB-PL1-BC-CPI-2', 'BERTH-CPI-1'] })
        return found.map(({ result }) => result)
      }
      // Super's own policies keep Berth's objects, whatever rights somebody has given away.
      expect(await outcome()).toEqual(['pass', 'fail'])
      const bindings = await Promise.all(guards.map((guard) => client.get(policyBindings, { name: guard })))
      for (const guard of guards) await client.delete(policyBindings, { name: guard })
      try {
        await eventually(async () => (await outcome())[0] === 'fail', { deadlineMs: 30_000, describe: 'the check to fail' })
      } finally {
        for (const binding of bindings) {
          const { apiVersion, kind, metadata, spec } = binding ?? { metadata: {} }
          await client.create(policyBindings, {
            apiVersion,
            kind,
            metadata: { name: metadata.name, labels: metadata.labels },
            spec,
          } as KubeObject)
        }
      }
    } finally {
      await client.delete(resourceTypes.clusterRoleBindings, { name })
    }
  })

  test("a neighbour that takes this tenant's credentials fails the check", { timeout: 60_000 }, async () => {
    const neighbour = { name: 'twin', uid: 'x', controlPlaneNamespace: 'y', connection: acme.api.connection }
    const [found] = await results(partsOf({}, { neighbour }), { only: ['BERTH-TI-1'] })
    expect(found).toMatchObject({ result: 'fail', message: expect.stringContaining('takes the token') })
  })
})

describe("a class by the tenant's own name for it", () => {
  const check = async (classRules: NonNullable<BenchParts['classRules']>) => {
    await patchPlane(clusters, acme, { sync: { classes: classRules } })
    const names = Object.keys(classRules.storage?.names ?? {}).join()
    await eventually(
      async () => {
        const { items } = await acme.api.client.list(storageClasses)
        const seen = items.map(({ metadata }) => metadata.name).filter((name) => name !== 'tape-1')
        return seen.join() === names || Promise.reject(new Error(`it has ${seen.join()}`))
      },
      { deadlineMs: 30_000, describe: `StorageClass ${names} alone` },
    )
    const [found] = await results(partsOf({ profile: 'restricted' }, { classRules }), { only: ['MTB-PENDING-1199'] })
    return found
  }

  test('is looked at in super, and what the tenant calls like one of super says nothing', { timeout: 120_000 }, async () => {
    const { client } = clusters.superApi
    await client.create(storageClasses, { metadata: { name: 'tape-1' }, provisioner: 'tape.example', reclaimPolicy: 'Retain' })
    await acme.api.client.create(storageClasses, { metadata: { name: 'tape-1' }, provisioner: 'tape.example' })
    try {
      expect(await check({ storage: { allowed: ['tape-1'], names: { archive: 'tape-1' } } })).toMatchObject({
        result: 'fail',
        message: 'reclaim policy is not Delete: StorageClass archive (in super tape-1)',
      })
      expect(await check({ storage: { allowed: ['standard'], names: { fast: 'standard' } } })).toMatchObject({
        result: 'pass',
        message: 'all of 1 StorageClasses and 0 volumes are deleted with their claims',
      })
    } finally {
      await patchPlane(clusters, acme, { sync: null })
      await acme.api.client.delete(storageClasses, { name: 'tape-1' })
      await client.delete(storageClasses, { name: 'tape-1' })
      await eventually(() => acme.api.client.get(storageClasses, { name: 'standard' }), {
        deadlineMs: 30_000,
        describe: 'the class in the tenant',
      })
    }
  })
})

describe("super's credentials", () => {
  const check = async (more: Partial<BenchParts> = {}) => {
    const [found] = await results(partsOf({ profile: 'restricted' }, more), { only: ['BERTH-CPI-2'] })
    return found
  }
  /** Somebody who may read Secrets of the control plane. */
  const operator = () => ({ management: clusters.superApi.client })
  const placed = (name: string, more: object): KubeObject => ({
    metadata: { name, namespace: acme.controlPlaneNamespace },
    ...more,
  })
  const mounting = (secretName: string) => serverPod('planted', { volumes: [{ name: 'v', secret: { secretName } }] })
  const withPlanted = async <T>(objects: readonly [ResourceType, KubeObject][], work: () => Promise<T>): Promise<T> => {
    const { client } = clusters.superApi
    const made: [ResourceType, KubeObject][] = []
    try {
      for (const [type, object] of objects) made.push([type, await client.create(type, object)])
      return await work()
    } finally {
      for (const [type, { metadata }] of made) {
        const { name = '', namespace = '' } = metadata
        if (metadata.finalizers) await client.patch(type, { name, namespace }, { metadata: { finalizers: null } })
        await client.delete(type, { name, namespace }, { gracePeriodSeconds: 0 })
      }
    }
  }

  test("are none where keys are the tenant's own, read or known by name", { timeout: 60_000 }, async () => {
    const read = await check(operator())
    expect(read).toMatchObject({ result: 'pass', message: expect.stringContaining('1 Secrets and ConfigMaps of theirs read') })
    const known = await check()
    expect(known).toMatchObject({
      result: 'pass',
      message: expect.stringContaining('1 known by name only (Secret kube-apiserver-keys)'),
    })
  })

  test.for<[what: string, objects: () => [ResourceType, KubeObject][], message: RegExp]>([
    [
      'a kubeconfig of super in a Secret',
      () => [
        [secrets, placed('kc', { stringData: { value: kubeconfigText(clusters.superApi.connection) } })],
        [pods, mounting('kc')],
      ],
      /Secret kc has in value a kubeconfig of super/,
    ],
    [
      'one by another address, whose keys super takes',
      () => {
        const text = kubeconfigText({ ...clusters.superApi.connection, server: 'https://front.example.com' })
        return [
          [resourceTypes.configMaps, placed('kc', { data: { value: text } })],
          [
            pods,
            serverPod('planted', { containers: [{ name: 'main', image: 'i', envFrom: [{ configMapRef: { name: 'kc' } }] }] }),
          ],
        ]
      },
      /ConfigMap kc has in value what super's API server takes/,
    ],
    [
      'a certificate with its key, apart',
      () => {
        const { clientCert = '', clientKey = '' } = clusters.superApi.connection
        const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'pair', key: 'a.crt' } } }]
        return [
          [secrets, placed('pair', { stringData: { 'a.crt': clientCert, 'b.key': clientKey } })],
          [pods, serverPod('planted', { containers: [{ name: 'main', image: 'i', env }] })],
        ]
      },
      /Secret pair has in a\.crt what super's API server takes/,
    ],
    [
      'a token of an account in a Secret',
      () => [
        [
          secrets,
          {
            metadata: {
              name: 'legacy',
              namespace: acme.controlPlaneNamespace,
              annotations: { 'kubernetes.io/service-account.name': 'default' },
            },
            type: 'kubernetes.io/service-account-token',
          },
        ],
        [pods, mounting('legacy')],
      ],
      /Secret legacy is a token of a ServiceAccount/,
    ],
    [
      'a token that is mounted because nobody said no',
      () => [[pods, serverPod('planted', { automountServiceAccountToken: undefined })]],
      /pod planted has automountServiceAccountToken, which is not off/,
    ],
    [
      "a token in a pod of the tenant's",
      () => {
        const token = { serviceAccountToken: { path: 'token' } }
        const volumes = [{ name: 'v', projected: { sources: [token] } }]
        const { metadata, ...rest } = serverPod('planted', { serviceAccountName: 'default', volumes })
        // Of a tenant's pod that the tenant knows nothing of the syncer makes an end: it is to be seen before.
        const labels = { [tenantLabel]: acme.ref.uid }
        return [
          [
            pods,
            {
              ...rest,
              metadata: { ...metadata, namespace: globex.controlPlaneNamespace, labels, finalizers: ['example.com/a'] },
            },
          ],
        ]
      },
      /pod [^ ]+\/planted has token of a ServiceAccount in volume v/,
    ],
  ])('%s is found', { timeout: 60_000 }, async ([, objects, message]) => {
    const found = await withPlanted(objects(), () => check(operator()))
    expect(found).toMatchObject({ result: 'fail', message: expect.stringMatching(message) })
    expect(JSON.stringify(found)).not.toMatch(/PRIVATE KEY|BEGIN CERTIFICATE|eyJ/)
  })

  test.for<[what: string, planted: () => KubeObject, more: () => Partial<BenchParts>, message: RegExp]>([
    ['a Secret that may not be read', () => mounting('other'), () => ({}), /Secret other of pod planted, which may not be read/],
    [
      "Berth's own by its name, in a pod that has nothing to do with it",
      () => ({ ...mounting('kube-apiserver-keys'), metadata: { ...mounting('x').metadata, labels: {} } }),
      () => ({}),
      /Secret kube-apiserver-keys of pod planted, which may not be read/,
    ],
    [
      'files of the node',
      () => serverPod('planted', { volumes: [{ name: 'v', hostPath: { path: '/etc' } }] }),
      operator,
      /volume v \(hostPath\) of pod planted/,
    ],
  ])('%s is no pass', { timeout: 60_000 }, async ([, planted, more, message]) => {
    const found = await withPlanted([[pods, planted()]], () => check(more()))
    expect(found).toMatchObject({ result: 'error', message: expect.stringMatching(message) })
  })
})

describe('what is not known is no pass', () => {
  test('while nothing goes down', { timeout: 120_000 }, async () => {
    await syncer?.stop()
    syncer = undefined
    try {
      const found = await results(partsOf({ profile: 'restricted' }, { waitMs: 1_000 }), {
        only: ['MTB-PL1-BC-CPI-5', 'MTB-PL1-BC-HI-1-NODEPORT', 'BERTH-TI-3', 'BERTH-CPI-2'],
      })
      expect(found.map(({ result }) => result)).toEqual(['error', 'error', 'error', 'error'])
      expect(found[0]?.message).toContain('is the syncer up?')
    } finally {
      syncer = await runSyncer(clusters, { log })
    }
  })

  test('when super is elsewhere', { timeout: 60_000 }, async () => {
    const found = await results(partsOf({ profile: 'restricted' }, { superSide: undefined }), {
      only: ['MTB-PL1-BC-CPI-2', 'BERTH-TI-2', 'BERTH-CPI-1', 'BERTH-CPI-2'],
    })
    expect(found.map(({ result, message }) => `${result} ${message.includes('--super-kubeconfig')}`)).toEqual([
      'error true',
      'error true',
      'error true',
      'error true',
    ])
  })
})

describe('what a run leaves', () => {
  const make = (name: string, began: string): Promise<KubeObject> =>
    acme.api.client.create(namespaces, { metadata: { name, labels: { [isolationRunLabel]: began } } })

  test('goes with a later one when it is old, and nothing else does', async () => {
    const { client } = acme.api
    const now = () => Date.now()
    const old = String(Math.floor(now() / 1000) - 3_600)
    await make('isolation-check-00000001', old)
    await make('isolation-check-00000002', String(Math.floor(now() / 1000)))
    // The tenant may write our label on what is its own.
    await make('isolation-of-mine', old)
    await sweep(client, { now, signal: stop.signal })
    expect(await remains(acme.api)).toEqual(['isolation-check-00000002', 'isolation-of-mine'])
    for (const name of ['isolation-check-00000002', 'isolation-of-mine']) await client.delete(namespaces, { name })
  })

  test('an abort ends a run, and what it made is removed all the same', { timeout: 60_000 }, async () => {
    const abort = new AbortController()
    const { bench, close } = await openBench(partsOf({ profile: 'restricted' }, { signal: abort.signal }))
    const running = runChecks(checks, bench, () => abort.abort(new Error('interrupted')))
    await expect(running).rejects.toThrow('interrupted')
    await close()
    expect(await remains(acme.api)).toEqual([])
  })
})
