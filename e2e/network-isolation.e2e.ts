import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kubectl } from '../hack/cluster/kubectl.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { idle, namespace, pod, service, shell, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { podReady, waitFor } from './support/wait.ts'

/** A namespace of super that is no tenant's: whom no policy holds. */
const foreign = 'network-isolation-foreign'

interface Caller {
  readonly kubectl: Kubectl
  readonly at: string
  readonly pod: string
}
type Target = readonly [host: string, port: number]

/** True when anything answers there, be it with a refusal: what is kept apart gets no answer at all. */
const reaches = async ({ kubectl, at, pod: name }: Caller, [host, port]: Target): Promise<boolean> => {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/hostname`
  const script = `timeout 3 wget -q -O- ${url} 2>&1; echo "ended $?"`
  const output = await kubectl(['exec', name, '-n', at, '--', 'sh', '-c', script], { timeoutMs: 30_000 })
  return /ended 0|server returned error|refused|reset|bad header|error getting response/.test(output)
}

const podIp = async (kubectl: Kubectl, at: string, name: string): Promise<string> =>
  (await getJson<{ status: { podIP: string } }>(kubectl, ['pod', name, '-n', at])).status.podIP

describe('tenants that are kept apart on the network', () => {
  let a: Tenant
  let b: Tenant
  let own: Readonly<Record<string, Target>>
  let others: Readonly<Record<string, Target>>
  const inA = (): Caller => ({ kubectl: a.kubectl, at: 'shop', pod: 'client' })
  const inB = (): Caller => ({ kubectl: b.kubectl, at: 'shop', pod: 'client' })
  const stranger = (): Caller => ({ kubectl: superKubectl, at: foreign, pod: 'client' })

  beforeAll(async () => {
    ;[a, b] = [await createTenant('apart-a'), await createTenant('apart-b')]
    await apply(superKubectl, namespace(foreign))
    for (const { kubectl } of [a, b]) {
      await apply(kubectl, namespace('shop'), namespace('other'))
      const open = { ...service('shop', 'open', { type: 'NodePort', selector: { app: 'server' } }) }
      await apply(
        kubectl,
        pod('shop', 'client', shell(idle)),
        pod('shop', 'server', webServer()),
        pod('other', 'server', webServer()),
        service('shop', 'server'),
        open,
      )
    }
    await apply(superKubectl, pod(foreign, 'client', shell(idle)), pod(foreign, 'server', webServer()))
    for (const { kubectl } of [a, b]) {
      await podReady(kubectl, 'shop', 'client', 'server')
      await podReady(kubectl, 'other', 'server')
    }
    await podReady(superKubectl, foreign, 'client', 'server')

    own = {
      'a pod of its namespace': [await podIp(a.kubectl, 'shop', 'server'), 8080],
      'a pod of another namespace': [await podIp(a.kubectl, 'other', 'server'), 8080],
      'its Service by name, through its DNS': ['server.shop.svc.cluster.local', 80],
      'its API server': ['kubernetes.default.svc.cluster.local', 443],
    }
    const nodes = await listJson(superKubectl, ['nodes'])
    const client = await getJson<{ spec: { nodeName: string } }>(a.kubectl, ['pod', 'client', '-n', 'shop'])
    // What a pod speaks to its own node passes no policy, by the word of the Kubernetes API.
    const far = nodes.find(({ metadata }) => metadata.name !== client.spec.nodeName)
    const farAddress = ((far?.status?.['addresses'] ?? []) as { type: string; address: string }[]).find(
      ({ type }) => type === 'InternalIP',
    )?.address
    if (farAddress === undefined) throw new Error('a second node is needed')
    const [apiServer] = await listJson(superKubectl, [
      'pods',
      '-n',
      b.controlPlaneNamespace,
      '-l',
      'berth.dev/component=kube-apiserver',
    ])
    const ofB = (name: string) =>
      getJson<{ spec: { clusterIP: string; ports: { nodePort: number }[] } }>(superKubectl, [
        'service',
        name,
        '-n',
        superNamespace(b, 'shop'),
      ])
    const superApi = await getJson<{ spec: { clusterIP: string } }>(superKubectl, ['service', 'kubernetes', '-n', 'default'])
    const endpoints = await getJson<{ endpoints: { addresses: string[] }[]; ports: { port: number }[] }>(superKubectl, [
      'endpointslice',
      'kubernetes',
      '-n',
      'default',
    ])
    others = {
      'a pod of another tenant': [await podIp(b.kubectl, 'shop', 'server'), 8080],
      'a Service of another tenant': [(await ofB('server')).spec.clusterIP, 80],
      "another tenant's node port": [farAddress, (await ofB('open')).spec.ports[0]?.nodePort ?? 0],
      "another tenant's API server": [String(apiServer?.status?.['podIP']), 6443],
      'a kubelet': [farAddress, 10250],
      "super's API by its Service": [superApi.spec.clusterIP, 443],
      "super's API by its address": [endpoints.endpoints[0]?.addresses[0] ?? '', endpoints.ports[0]?.port ?? 0],
      'a pod of super': [await podIp(superKubectl, foreign, 'server'), 8080],
    }
  })
  afterAll(async () => {
    await superKubectl(['delete', 'namespace', foreign, '--ignore-not-found', '--wait=false'])
    await deleteTenants('apart-a', 'apart-b')
  })

  const settles = (who: Caller, target: Target, wanted: boolean): Promise<boolean> =>
    waitFor(
      `${target.join(':')} ${wanted ? 'reached' : 'not reached'}`,
      async () => (await reaches(who, target)) === wanted || Promise.reject(new Error('it is the other way round')),
    )
  const reached = async (who: Caller, targets: Readonly<Record<string, Target>>): Promise<string[]> =>
    (
      await Promise.all(Object.entries(targets).map(async ([what, target]) => ((await reaches(who, target)) ? [what] : [])))
    ).flat()

  test('that super enforces policies was tried, and is told', async () => {
    const wanted = ['wait', '--for=condition=NetworkPolicyEnforced', 'tcp/apart-a', 'tcp/apart-b', '-n', tenantsNamespace]
    await superKubectl([...wanted, '--timeout=240s'], { timeoutMs: 250_000 })
  })

  test('all of it answers whom no policy holds, and its own tenant', async () => {
    const { 'a pod of another tenant': podOfB, 'a Service of another tenant': serviceOfB, ...open } = others
    await waitFor('the pods of B answer their own tenant', async () => {
      const seen = await reached(inB(), { podOfB: podOfB as Target, serviceOfB: serviceOfB as Target })
      return seen.length === 2 || Promise.reject(new Error(`only ${seen.join(', ')}`))
    })
    const { "another tenant's node port": port, ...rest } = open
    await waitFor('the rest answers the stranger', async () => {
      const seen = await reached(stranger(), rest)
      return seen.length === Object.keys(rest).length || Promise.reject(new Error(`only ${seen.join(', ')}`))
    })
    expect(port?.[1]).toBeGreaterThan(0)
  })

  test('a pod reaches its own tenant, its DNS and its API server', async () => {
    await waitFor('all that is its own', async () => {
      const seen = await reached(inA(), own)
      return seen.length === Object.keys(own).length || Promise.reject(new Error(`only ${seen.join(', ')}`))
    })
  })

  test('and nothing of another tenant, of super or of its machines', async () => {
    expect(await reached(inA(), others)).toEqual([])
  })

  test('nor does another tenant or a pod of super reach it, until the operator says so', async () => {
    const server = own['a pod of its namespace'] as Target
    expect(await reaches(inB(), server)).toBe(false)
    expect(await reaches(stranger(), server)).toBe(false)
    await superKubectl(['label', 'namespace', foreign, 'berth.dev/reaches-tenants=true'])
    await settles(stranger(), server, true)
    await superKubectl(['label', 'namespace', foreign, 'berth.dev/reaches-tenants-'])
    await settles(stranger(), server, false)
  })

  test('a policy of its own that allows all widens nothing', async () => {
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'all', namespace: 'shop' },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{}, { from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
        egress: [{}, { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
      },
    }
    await apply(a.kubectl, policy)
    await waitFor('the policy in super', () =>
      getJson<Thing>(superKubectl, ['networkpolicy', 'all', '-n', superNamespace(a, 'shop')]),
    )
    await waitFor('its pods to be marked', async () => {
      const seen = await getJson<Thing>(superKubectl, ['pod', 'client', '-n', superNamespace(a, 'shop')])
      return seen.metadata.labels?.['berth.dev/open-egress'] === 'false'
    })
    await waitFor('all that is its own', async () => {
      const seen = await reached(inA(), own)
      return seen.length === Object.keys(own).length || Promise.reject(new Error(`only ${seen.join(', ')}`))
    })
    expect(await reached(inA(), others)).toEqual([])
    expect(await reaches(inB(), own['a pod of its namespace'] as Target)).toBe(false)
  })

  test('one that allows nothing closes it, and its end opens what was open', async () => {
    const server = own['a pod of another namespace'] as Target
    const none = { spec: { ingress: null, egress: null } }
    await a.kubectl(['patch', 'networkpolicy', 'all', '-n', 'shop', '--type=merge', '-p', JSON.stringify(none)])
    await settles(inA(), server, false)
    await a.kubectl(['delete', 'networkpolicy', 'all', '-n', 'shop'])
    await settles(inA(), server, true)
    expect(await reached(inA(), others)).toEqual([])
  })
})
