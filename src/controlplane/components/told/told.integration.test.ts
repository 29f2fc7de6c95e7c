import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isolationProfiles } from '../../../apis/isolation.ts'
import type { KubeObject } from '../../../apis/kube-object.ts'
import { resourceTypes } from '../../../apis/resource-types.ts'
import { aPlane } from '../../../testing/plane-builders.ts'
import { servedMinors } from '../../../testing/test-binaries.ts'
import { startToldServer, type ToldServer } from '../../../testing/told-server.ts'
import { write } from '../../../testing/warned-write.ts'
import { tenantGroups } from '../../names.ts'
import { coreDns } from '../core-dns.ts'
import { toldPolicies } from './policies.ts'

const container = { name: 'main', image: 'registry.example/web:1' }
const podSpec = (spec: Record<string, unknown> = {}) => ({ containers: [container], ...spec })
const aPod = (name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: podSpec(spec),
})
const hostile = { hostNetwork: true }

describe.for(servedMinors)('in a tenant of %s', (minor) => {
  let told: ToldServer
  beforeAll(async () => {
    told = await startToldServer(minor, {})
  })
  afterAll(() => told?.stop())

  const create = (object: KubeObject, path: string) => write(told.server.connection, 'POST', `${path}?dryRun=All`, object)
  const createPod = (name: string, spec: Record<string, unknown>) => create(aPod(name, spec), '/api/v1/namespaces/default/pods')

  describe('whoever administers it', () => {
    const { validatingAdmissionPolicies: policies, validatingAdmissionPolicyBindings: bindings } = resourceTypes

    test('finds none of the policies, and takes none away by deleting all there are', async () => {
      const { client } = told.server
      for (const type of [bindings, policies]) {
        for (const { metadata } of (await client.list(type)).items) await client.delete(type, { name: metadata.name ?? '' })
        expect((await client.list(type)).items).toEqual([])
      }
      expect((await createPod('web', hostile)).status).toBe(403)
    })

    test('makes none of the same name', async () => {
      const [policy, binding] = toldPolicies(aPlane({}).spec)
      for (const [type, object] of [
        [policies, policy],
        [bindings, binding],
      ] as const) {
        await expect(told.server.client.create(type, object as KubeObject)).rejects.toThrow(/reserved for static manifest/)
        const { name = '' } = (object as KubeObject).metadata
        expect(await told.server.client.get(type, { name })).toBeUndefined()
      }
    })

    test('binds nothing to them: an object leads to objects only', async () => {
      const binding = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name: 'audit-only' },
        spec: { policyName: 'berth-pods.static.k8s.io', validationActions: ['Audit'] },
      }
      await told.server.client.create(bindings, binding)
      expect((await createPod('web', hostile)).status).toBe(403)
      await told.server.client.delete(bindings, { name: 'audit-only' })
    })
  })

  test('takes what the policies say of another spec, as it runs', async () => {
    await told.tell({ isolation: { profile: 'privileged' } })
    expect((await createPod('web', hostile)).status).toBe(201)
    await told.tell({ isolation: { profile: 'privileged', podSecurity: 'baseline' } })
    expect((await createPod('web', hostile)).status).toBe(403)
  })

  test('takes any text of a spec for a text', async () => {
    const allowed = ['kata', `x"] + ["gvisor`, `'] || true || '' in ['`, '\\', '*', '\u2028']
    const isolation = { pods: { sysctls: ['net.*', 'kernel.shm*'], capabilities: ['*'] } }
    await told.tell({ isolation, sync: { classes: { runtime: { allowed } }, inlineCSIDrivers: ['csi.example'] } })
    for (const name of ['kata', 'gvisor'])
      await told.server.client.create(resourceTypes.runtimeClasses, {
        apiVersion: 'node.k8s.io/v1',
        kind: 'RuntimeClass',
        metadata: { name },
        handler: name,
      } as KubeObject)
    expect((await createPod('web', { runtimeClassName: 'kata' })).status).toBe(201)
    const { status, text } = await createPod('web', { runtimeClassName: 'gvisor' })
    expect(status).toBe(403)
    expect(text).toContain('spec.runtimeClassName: this tenant may not use gvisor')
    const sysctl = (name: string) => createPod('web', { securityContext: { sysctls: [{ name, value: '1' }] } })
    expect((await sysctl('net.core.somaxconn')).status).toBe(201)
    expect((await sysctl('kernel.msgmax')).status).toBe(403)
    const adds = { containers: [{ ...container, securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }] }
    expect((await createPod('web', adds)).status).toBe(201)
    expect((await createPod('web', { volumes: [{ name: 'v', csi: { driver: 'csi.example' } }] })).status).toBe(201)
  })

  test('looks at the last of many containers too', async () => {
    await told.tell({ isolation: { profile: 'restricted' } })
    const many = Array.from({ length: 400 }, (_, index) => ({ ...container, name: `c${index}` }))
    expect((await createPod('many', { containers: many })).status).toBe(201)
    const last = { ...container, name: 'last', securityContext: { privileged: true } }
    const { status, text } = await createPod('many', { containers: [...many, last] })
    expect(status).toBe(403)
    expect(text).toContain('spec.containers[last].securityContext.privileged: true is not allowed')
  })

  test('leaves a pod that was there before to go on, and to go', async () => {
    const { client } = told.server
    await told.tell({ isolation: { profile: 'privileged' } })
    const pods = resourceTypes.pods
    const ref = { name: 'older', namespace: 'default' }
    const older = aPod('older', hostile)
    await client.create(pods, { ...older, metadata: { ...older.metadata, finalizers: ['example.dev/held'] } })
    await told.tell({ isolation: { profile: 'restricted' } })
    await client.patch(pods, ref, { metadata: { labels: { a: 'b' } } })
    await client.patch(pods, ref, { status: { phase: 'Running' } }, { subresource: 'status' })
    const spec = { ephemeralContainers: [{ name: 'debug', image: 'x' }] }
    await client.patch(pods, ref, { spec }, { subresource: 'ephemeralcontainers', type: 'strategic' })
    await client.delete(pods, ref, { gracePeriodSeconds: 0 })
    await client.patch(pods, ref, { metadata: { finalizers: null } })
    expect(await client.get(pods, ref)).toBeUndefined()
  })

  test('looks at debug containers that come, and at no others', async () => {
    const { client, connection } = told.server
    await told.tell({ isolation: { profile: 'privileged' } })
    await client.create(resourceTypes.pods, aPod('debugged'))
    const debug = (...containers: { name: string; securityContext?: object }[]) =>
      write(connection, 'PATCH', '/api/v1/namespaces/default/pods/debugged/ephemeralcontainers', {
        spec: { ephemeralContainers: containers.map((each) => ({ image: 'x', ...each })) },
      })
    const [one, two] = ['one', 'two'].map((name) => ({ name, securityContext: { privileged: true } }))
    if (!one || !two) throw new Error('two containers')
    expect((await debug(one)).status).toBe(200)
    await told.tell({})
    const refused = await debug(one, two)
    expect(refused.status).toBe(403)
    expect(refused.text).toContain('spec.ephemeralContainers[two].securityContext.privileged: true is not allowed')
    const traces = { name: 'three', securityContext: { capabilities: { add: ['SYS_PTRACE'] } } }
    const warned = await debug(one, traces)
    expect(warned.status).toBe(200)
    expect(warned.warning).toContain('container three may not add the capabilities SYS_PTRACE')
    const plain = await debug(one, traces, { name: 'four' })
    expect(plain).toMatchObject({ status: 200, warning: '' })
  })

  describe('a pod template', () => {
    const template = (spec: Record<string, unknown>) => ({ metadata: { labels: { app: 'a' } }, spec: podSpec(spec) })
    const set = (spec: Record<string, unknown>) => ({ selector: { matchLabels: { app: 'a' } }, template: template(spec) })
    const job = (spec: Record<string, unknown>) => ({ template: template({ restartPolicy: 'Never', ...spec }) })
    const kinds: readonly [kind: string, path: string, specOf: (spec: Record<string, unknown>) => Record<string, unknown>][] = [
      ['Deployment', 'apps/v1/namespaces/default/deployments', set],
      ['StatefulSet', 'apps/v1/namespaces/default/statefulsets', (spec) => ({ ...set(spec), serviceName: 'a' })],
      ['DaemonSet', 'apps/v1/namespaces/default/daemonsets', set],
      ['Job', 'batch/v1/namespaces/default/jobs', job],
      [
        'CronJob',
        'batch/v1/namespaces/default/cronjobs',
        (spec) => ({ schedule: '* * * * *', jobTemplate: { spec: job(spec) } }),
      ],
    ]
    beforeAll(() => told.tell({}))

    test.for(kinds)('of a %s warns whoever writes it, and is stored', async ([kind, path, specOf]) => {
      const group = path.split('/namespaces')[0] ?? ''
      const objectOf = (spec: Record<string, unknown>): KubeObject => ({
        apiVersion: group,
        kind,
        metadata: { name: 'a', namespace: 'default' },
        spec: specOf(spec),
      })
      const bad = await create(objectOf(hostile), `/apis/${path}`)
      expect(bad.status).toBe(201)
      expect(bad.warning).toContain('spec.hostNetwork is not allowed: pods here are held to the Pod Security level baseline')
      expect(await create(objectOf({}), `/apis/${path}`)).toMatchObject({ status: 201, warning: '' })
    })

    test('is not told to the controllers of the control plane', async () => {
      const user = 'system:serviceaccount:kube-system:deployment-controller'
      const groups = ['system:masters', 'system:serviceaccounts', 'system:serviceaccounts:kube-system']
      const controller = await told.server.connectionAs(user, groups)
      const object = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'a', namespace: 'default' },
        spec: set(hostile),
      }
      const path = '/apis/apps/v1/namespaces/default/deployments?dryRun=All'
      expect(await write(controller, 'POST', path, object)).toMatchObject({ status: 201, warning: '' })
      // Of pods they are told: it stands in the Events of what they make pods for.
      const pod = await write(controller, 'POST', '/api/v1/namespaces/default/pods?dryRun=All', aPod('web', hostile))
      expect(pod.status).toBe(403)
    })
  })

  test.for(isolationProfiles)("takes the tenant's DNS at profile %s", async (profile) => {
    await told.tell({ isolation: { profile } })
    const deployment = coreDns(aPlane({ isolation: { profile } })).find(({ kind }) => kind === 'Deployment')
    if (!deployment) throw new Error('no Deployment of CoreDNS')
    const path = '/apis/apps/v1/namespaces/kube-system/deployments'
    expect(await create(deployment, path)).toMatchObject({ status: 201, warning: '' })
    const { spec } = deployment.spec.template as { spec: Record<string, unknown> }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'coredns', namespace: 'kube-system' }, spec }
    expect((await create(pod, '/api/v1/namespaces/kube-system/pods')).text).toContain('"kind":"Pod"')
  })

  describe('a Service', () => {
    const service = (name: string, spec: Record<string, unknown>): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { ports: [{ port: 80 }], ...spec },
    })
    const answer = async (spec: Record<string, unknown>) =>
      (await create(service('web', spec), '/api/v1/namespaces/default/services')).text

    beforeAll(() => told.tell({ isolation: { profile: 'restricted', serviceTypes: ['LoadBalancer'] } }))

    test.for<[name: string, spec: Record<string, unknown>, refusal: string | undefined]>([
      ['an address within', {}, undefined],
      ['a headless one', { clusterIP: 'None' }, undefined],
      ['a load balancer', { type: 'LoadBalancer' }, undefined],
      ['a node port', { type: 'NodePort' }, 'spec.type: Services of type NodePort are not offered here'],
      ['another name', { type: 'ExternalName', externalName: 'x.example' }, 'Services of type ExternalName are not offered'],
      [
        'an external IP',
        { externalIPs: ['192.0.2.7'] },
        'spec.externalIPs: it would draw traffic of that address from every node',
      ],
      ['an address of a load balancer', { type: 'LoadBalancer', loadBalancerIP: '192.0.2.7' }, 'let the load balancer choose'],
    ])('with %s', async ([, spec, refusal]) => {
      const text = await answer(spec)
      if (refusal === undefined) expect(text).toContain('"kind":"Service"')
      else expect(text).toContain(refusal)
    })

    test('is an ExternalName for a moment when the syncer gives it another address', async () => {
      const { client } = told.server
      const ref = { name: 'moved', namespace: 'default' }
      await client.create(resourceTypes.services, service('moved', {}))
      const syncer = await told.server.connectionAs('berth:syncer', ['system:masters', tenantGroups.syncer])
      const path = '/api/v1/namespaces/default/services/moved'
      const spec = { type: 'ExternalName', externalName: 'moved.invalid', clusterIP: null, clusterIPs: null }
      expect((await write(told.server.connection, 'PATCH', path, { spec })).status).toBe(403)
      expect((await write(syncer, 'PATCH', path, { spec })).status).toBe(200)
      await client.delete(resourceTypes.services, ref)
    })

    test('that was there before can be changed, and not made worse', async () => {
      const { client } = told.server
      const ref = { name: 'older', namespace: 'default' }
      await told.tell({ isolation: { profile: 'baseline' } })
      await client.create(resourceTypes.services, service('older', { type: 'NodePort' }))
      await told.tell({ isolation: { serviceTypes: [] } })
      await client.patch(resourceTypes.services, ref, { metadata: { labels: { a: 'b' } } })
      await expect(client.patch(resourceTypes.services, ref, { spec: { type: 'LoadBalancer' } })).rejects.toThrow(
        /not offered here/,
      )
      await expect(client.patch(resourceTypes.services, ref, { spec: { externalIPs: ['192.0.2.7'] } })).rejects.toThrow(
        /externalIPs/,
      )
      await client.patch(resourceTypes.services, ref, { spec: { type: 'ClusterIP' } })
      await expect(client.patch(resourceTypes.services, ref, { spec: { type: 'NodePort' } })).rejects.toThrow(/not offered here/)
      await client.delete(resourceTypes.services, ref)
    })
  })
})
