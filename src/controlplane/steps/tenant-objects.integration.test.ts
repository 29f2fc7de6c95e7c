import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { apiVersionOf, type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { KubeConnection } from '../../kube/client.ts'
import { createLog } from '../../lib/log.ts'
import { builtInKinds } from '../../tenancy/kinds.ts'
import { lastAppliedAnnotation, mirroredLabel, wantedHashAnnotation } from '../../tenancy/marks.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { aPlane, aTenantControlPlane } from '../../testing/plane-builders.ts'
import { servedMinors } from '../../testing/test-binaries.ts'
import { write } from '../../testing/warned-write.ts'
import { coreDns } from '../components/core-dns.ts'
import type { Deps } from '../deps.ts'
import { bootstrapUser, tenantGroups } from '../names.ts'
import type { Round } from '../steps.ts'
import type { TenantClients } from '../tenant-clients.ts'
import { dns, tenantObjects } from './tenant-objects.ts'

const pathOf = ({ group, version, plural, namespaced }: ResourceType): string =>
  `${group ? `/apis/${group}/${version}` : '/api/v1'}${namespaced ? '/namespaces/default' : ''}/${plural}`

const type = (group: string, plural: string, kind: string, namespaced = false, version = 'v1'): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced,
})

/** A request for a client certificate in the name of a node. */
const aSigningRequest = (): string => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }) as string)
  const asked = forge.pki.createCertificationRequest()
  asked.publicKey = forge.pki.setRsaPublicKey(key.n, key.e)
  asked.setSubject([
    { name: 'commonName', value: 'system:node:mine' },
    { name: 'organizationName', value: 'system:nodes' },
  ])
  asked.sign(key, forge.md.sha256.create())
  return Buffer.from(forge.pki.certificationRequestToPem(asked)).toString('base64')
}

/** One object per kind that a user would believe to be in force: what it says besides its name, and what the warning says. */
const notInForce: readonly [of: ResourceType, fields: object, says: RegExp][] = [
  [resourceTypes.nodes, {}, /Nodes are the platform's machines/],
  [
    resourceTypes.persistentVolumes,
    { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } } },
    /PersistentVolume made here is bound to nothing/,
  ],
  [type('scheduling.k8s.io', 'priorityclasses', 'PriorityClass'), { value: 1000 }, /PriorityClass made here neither orders/],
  [type('node.k8s.io', 'runtimeclasses', 'RuntimeClass'), { handler: 'mine' }, /RuntimeClass made here has no handler/],
  [resourceTypes.storageClasses, { provisioner: 'example.org/mine' }, /StorageClass made here provisions no volume/],
  [
    type('storage.k8s.io', 'volumeattributesclasses', 'VolumeAttributesClass'),
    { driverName: 'example.org', parameters: { speed: 'fast' } },
    /VolumeAttributesClass made here changes no volume/,
  ],
  [
    type('networking.k8s.io', 'ingressclasses', 'IngressClass'),
    { spec: { controller: 'example.org/mine' } },
    /IngressClass made here is served only if/,
  ],
  [resourceTypes.serviceCIDRs, { spec: { cidrs: ['10.200.0.0/24'] } }, /addresses that lead nowhere/],
  [type('storage.k8s.io', 'csidrivers', 'CSIDriver'), { spec: {} }, /drives nothing/],
  [
    type('storage.k8s.io', 'volumeattachments', 'VolumeAttachment'),
    { spec: { attacher: 'example.org', nodeName: 'n', source: { persistentVolumeName: 'v' } } },
    /attaches nothing/,
  ],
  [
    type('resource.k8s.io', 'resourceclaims', 'ResourceClaim', true),
    { spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] } } },
    /resource claims are refused/,
  ],
  [type('resource.k8s.io', 'deviceclasses', 'DeviceClass'), { spec: {} }, /resource claims are refused/],
]

const log = createLog({ process: 'test', level: 'silent' })
const signal = new AbortController().signal

describe.for(servedMinors)('a tenant of %s', (minor) => {
  let server: TestApiServer
  let user: KubeConnection

  /** One look at the tenant by a manager that has just started, for a plane as given. */
  const look = async (fields: Record<string, unknown> = {}) => {
    const kept = new Map<string, string>()
    const tenantClients: TenantClients = {
      bootstrap: async () => server.client,
      bootstrapAt: async () => server.client,
      published: () => server.client,
      isSettled: (uid, hash) => kept.get(uid) === hash,
      settled: (uid, hash) => void kept.set(uid, hash),
      unsettle: (uid) => void kept.delete(uid),
      forget: async () => {},
      close: async () => {},
    }
    const plane = aPlane({}, { slice: '10.96.0.0/24', ...fields })
    const round = { plane, ref: plane.tenant, roots: { authorities: { cluster: { cert: 'x' } } }, now: new Date() }
    const run = async (step: typeof dns, tenant = aTenantControlPlane()) =>
      step.run({ ...round, tenant } as unknown as Round, { tenantClients, signal, log } as unknown as Deps, [])
    return { outcome: await run(tenantObjects), run, settled: kept }
  }
  const deployment = { name: 'coredns', namespace: 'kube-system' }
  const read = async (of: ResourceType, ref: { name: string; namespace?: string }): Promise<KubeObject> => {
    const object = await server.client.get(of, ref)
    if (!object) throw new Error(`${of.kind} ${ref.name} is not there`)
    return object
  }

  beforeAll(async () => {
    server = await startApiServer({ minor })
    user = await server.connectionAs('alice', [tenantGroups.admins])
    await eventually(() => server.client.get(resourceTypes.namespaces, { name: 'kube-system' }), { describe: 'kube-system' })
    expect((await look()).outcome).toMatchObject({ kind: 'done' })
    // An API server takes a new policy up within seconds.
    await eventually(
      async () => {
        const { warning } = await write(user, 'POST', `${pathOf(resourceTypes.nodes)}?dryRun=All`, {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name: 'probe' },
        })
        return warning !== '' ? true : undefined
      },
      { describe: 'the first warning' },
    )
  })
  afterAll(() => server?.stop())

  test('has no kind of which nobody has said what becomes of it', async () => {
    const known = new Set(builtInKinds.map(({ group, plural, kind }) => `${group}/${plural} ${kind}`))
    const parse = async <T>(path: string): Promise<T> => JSON.parse((await server.client.raw(path)).body) as T
    const { groups } = await parse<{ groups: { versions: { groupVersion: string }[] }[] }>('/apis')
    const paths = ['/api/v1', ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`))]
    const lists = await Promise.all(
      paths.map((path) => parse<{ groupVersion: string; resources: { name: string; kind: string }[] }>(path)),
    )
    const served = lists.flatMap(({ groupVersion, resources }) =>
      resources
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, kind }) => `${groupVersion.includes('/') ? groupVersion.split('/')[0] : ''}/${name} ${kind}`),
    )
    expect(served.length).toBeGreaterThan(60)
    expect(served.filter((line) => !known.has(line))).toEqual([])
  })

  test.for(notInForce.map((row) => [row[0].kind, row] as const))(
    'warns who makes a %s by hand',
    async ([, [of, fields, says]]) => {
      const body = { apiVersion: apiVersionOf(of), kind: of.kind, metadata: { name: 'by-hand' }, ...fields }
      const { status, warning, text } = await write(user, 'POST', `${pathOf(of)}?dryRun=All`, body)
      expect(status, text).toBe(201)
      expect(warning).toMatch(/^299 .*'berth-not-in-force'/)
      expect(warning).toMatch(says)
    },
  )

  test('warns of a request for a certificate of a kubelet, and of no other', async () => {
    const of = type('certificates.k8s.io', 'certificatesigningrequests', 'CertificateSigningRequest')
    const asked = aSigningRequest()
    const ask = (signerName: string, usages: string[]) =>
      write(user, 'POST', `${pathOf(of)}?dryRun=All`, {
        apiVersion: apiVersionOf(of),
        kind: of.kind,
        metadata: { name: 'by-hand' },
        spec: { request: asked, signerName, usages },
      })
    const kubelet = await ask('kubernetes.io/kube-apiserver-client-kubelet', ['client auth', 'digital signature'])
    expect(kubelet).toMatchObject({ status: 201, warning: expect.stringContaining('machines do not join this cluster') })
    expect(await ask('kubernetes.io/kube-apiserver-client', ['client auth'])).toMatchObject({ status: 201, warning: '' })
  })

  test('says nothing to the platform itself, nor about what is in force', async () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'of-super', labels: { [mirroredLabel]: 'true' } } }
    const path = `${pathOf(resourceTypes.nodes)}?dryRun=All`
    const own = await Promise.all(
      [
        await server.connectionAs(bootstrapUser, ['system:masters']),
        await server.connectionAs('berth:syncer', [tenantGroups.syncer]),
      ].map((connection) => write(connection, 'POST', path, node)),
    )
    expect(own).toEqual([
      expect.objectContaining({ status: 201, warning: '' }),
      expect.objectContaining({ status: 201, warning: '' }),
    ])
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { pods: '1' } } }
    const inForce = await write(user, 'POST', `${pathOf(resourceTypes.resourceQuotas)}?dryRun=All`, quota)
    expect(inForce).toMatchObject({ status: 201, warning: '' })
  })

  test('warns who changes what came from the platform, not who labels or cordons a Node', async () => {
    const labels = { [mirroredLabel]: 'true' }
    await server.client.create(resourceTypes.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'one', labels } })
    const node = `${pathOf(resourceTypes.nodes)}/one`
    expect((await write(user, 'PATCH', node, { spec: { unschedulable: true } })).warning).toBe('')
    expect((await write(user, 'PATCH', node, { metadata: { labels: { disk: 'ssd' } } })).warning).toBe('')
    await server.client.create(resourceTypes.storageClasses, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'standard', labels },
      provisioner: 'example.org/theirs',
    })
    const changed = await write(user, 'PATCH', `${pathOf(resourceTypes.storageClasses)}/standard`, { allowVolumeExpansion: true })
    expect(changed).toMatchObject({ status: 200, warning: expect.stringContaining('came from the platform') })
  })

  test('gets its warnings and roles back when somebody edits or deletes them', async () => {
    const { validatingAdmissionPolicies, validatingAdmissionPolicyBindings, clusterRoles } = resourceTypes
    const policy = { name: 'berth-not-in-force' }
    const before = await read(validatingAdmissionPolicies, policy)
    const role = await read(clusterRoles, { name: tenantGroups.syncer })
    await server.client.patch(
      validatingAdmissionPolicies,
      policy,
      { spec: { validations: [{ expression: 'true' }] } },
      { type: 'merge' },
    )
    await server.client.delete(validatingAdmissionPolicyBindings, policy)
    await server.client.patch(clusterRoles, { name: tenantGroups.syncer }, { rules: [] }, { type: 'merge' })
    await look()
    expect((await read(validatingAdmissionPolicies, policy)).spec).toEqual(before.spec)
    expect((await read(validatingAdmissionPolicyBindings, policy)).spec.validationActions).toEqual(['Warn', 'Audit'])
    expect((await read(clusterRoles, { name: tenantGroups.syncer }))['rules']).toEqual(role['rules'])
    const settled = await read(validatingAdmissionPolicies, policy)
    await look()
    expect((await read(validatingAdmissionPolicies, policy)).metadata.resourceVersion).toBe(settled.metadata.resourceVersion)
  })

  test('that deletes a binding of the platform gets it back with the next look, however settled', async () => {
    const { clusterRoleBindings } = resourceTypes
    const { run, settled } = await look()
    expect(settled.size).toBe(1)
    for (const name of [tenantGroups.admins, tenantGroups.syncer, tenantGroups.meter]) {
      await server.client.delete(clusterRoleBindings, { name })
      expect(await run(tenantObjects)).toMatchObject({ kind: 'done' })
      expect((await read(clusterRoleBindings, { name }))['subjects']).toMatchObject([{ kind: 'Group', name }])
    }
  })

  test('keeps its own changes of DNS through an upgrade, which reaches what it did not change', async () => {
    const { deployments, configMaps, services } = resourceTypes
    await server.client.patch(deployments, deployment, { spec: { replicas: 3 } }, { type: 'merge', subresource: 'scale' })
    await server.client.patch(
      deployments,
      deployment,
      { spec: { template: { spec: { containers: [{ name: 'coredns', args: ['-conf', '/etc/coredns/Corefile', '-quiet'] }] } } } },
      { type: 'strategic' },
    )
    const edited = 'example.org:1053 {\n    whoami\n}\n'
    await server.client.patch(configMaps, deployment, { data: { Corefile: edited } }, { type: 'merge' })
    const service = { name: 'kube-dns', namespace: 'kube-system' }
    await server.client.patch(
      services,
      service,
      { metadata: { annotations: { theirs: 'yes' } }, spec: { sessionAffinity: 'ClientIP' } },
      { type: 'merge' },
    )

    await look()
    const same = await read(deployments, deployment)
    expect(same.spec).toMatchObject({
      replicas: 3,
      template: { spec: { containers: [{ image: 'registry.k8s.io/coredns/coredns:v1.15.0' }] } },
    })

    // Another registry and domain: what an upgrade of Berth is to these objects.
    await look({ registry: 'mirror.local' })
    const upgraded = await read(deployments, deployment)
    expect(upgraded.spec.replicas).toBe(3)
    expect(upgraded.spec.template.spec.containers).toHaveLength(1)
    expect(upgraded.spec.template.spec.containers[0]).toMatchObject({
      image: 'mirror.local/coredns/coredns:v1.15.0',
      args: ['-conf', '/etc/coredns/Corefile', '-quiet'],
    })
    expect((await read(configMaps, deployment))['data']).toEqual({ Corefile: edited })
    expect(await read(services, service)).toMatchObject({
      metadata: { annotations: { theirs: 'yes' } },
      spec: { sessionAffinity: 'ClientIP', clusterIP: '10.96.0.10' },
    })

    // An image of the tenant's own stays, whatever comes.
    await server.client.patch(
      deployments,
      deployment,
      { spec: { template: { spec: { containers: [{ name: 'coredns', image: 'example.org/dns:1' }] } } } },
      { type: 'strategic' },
    )
    await look({ registry: 'other.local' })
    expect((await read(deployments, deployment)).spec.template.spec.containers[0].image).toBe('example.org/dns:1')
  })

  test('that spoils the mark of what was applied keeps what it has', async () => {
    const annotations = { [lastAppliedAnnotation]: '{"spec":', [wantedHashAnnotation]: 'spoilt' }
    await server.client.patch(
      resourceTypes.deployments,
      deployment,
      { metadata: { annotations }, spec: { replicas: 4 } },
      { type: 'merge' },
    )
    expect((await look()).outcome).toMatchObject({ kind: 'done' })
    expect((await read(resourceTypes.deployments, deployment)).spec.replicas).toBe(4)
  })

  test('that deletes its DNS gets it back as soon as it is missed', async () => {
    const { deployments, services } = resourceTypes
    const { outcome, run, settled } = await look()
    expect(outcome.kind).toBe('done')
    await server.client.delete(deployments, deployment)
    await server.client.delete(services, { name: 'kube-dns', namespace: 'kube-system' })
    const ready = aTenantControlPlane({ status: { timings: { DNSReady: 5 } } })
    expect(await run(dns, ready)).toMatchObject({ kind: 'wait', reason: 'NoEndpoint' })
    expect(settled.size).toBe(0)
    await run(tenantObjects)
    const wanted = coreDns(aPlane()).find(({ kind }) => kind === 'Deployment')
    expect((await read(deployments, deployment)).spec.replicas).toBe(wanted?.spec.replicas)
    expect((await read(services, { name: 'kube-dns', namespace: 'kube-system' })).spec.clusterIP).toBe('10.96.0.10')
  })
})
