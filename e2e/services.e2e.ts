import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson, listJson, superKubectl, type Thing, world } from './support/kubectl.ts'
import { deployment, idle, namespace, pod, service, shell, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { podReady, rolledOut, waitFor } from './support/wait.ts'

interface ServiceSpec {
  readonly type: string
  readonly clusterIP?: string
  readonly ports: readonly { readonly name: string; readonly port: number; readonly nodePort?: number }[]
}

/** The last but one /28 of super's Service range: small, so that it fills up soon. */
const smallSlice = async (): Promise<string> => {
  const range = await superKubectl(['get', 'servicecidr', 'kubernetes', '-o', 'jsonpath={.spec.cidrs[0]}'])
  const [address = '', bits] = range.split('/')
  if (Number(bits) > 16) throw new Error(`super's Service range ${range} is too small for this story`)
  return `${address.split('.').slice(0, 2).join('.')}.255.208/28`
}

describe('Services of a tenant', () => {
  let tenant: Tenant
  let slice: string
  const at = ['-n', 'work']

  beforeAll(async () => {
    slice = await smallSlice()
    tenant = await createTenant('services', { network: { serviceSlice: slice } })
    const spread = {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'web' } },
        },
      ],
    }
    const server = webServer({ args: ['netexec', '--http-port=8080', '--udp-port=8081'] })
    await apply(
      tenant.kubectl,
      namespace('work'),
      deployment('work', 'web', 2, server, spread),
      service('work', 'web', {
        ports: [
          { name: 'http', port: 80, targetPort: 8080 },
          { name: 'udp', port: 81, targetPort: 8081, protocol: 'UDP' },
        ],
      }),
      service('work', 'one', { selector: { app: 'one' } }),
      pod('work', 'client', webServer()),
    )
    await rolledOut(tenant.kubectl, 'work', 'deployment/web')
    await podReady(tenant.kubectl, 'work', 'client')
  })
  afterAll(() => deleteTenants('services'))

  const fromClient = (...command: readonly string[]): Promise<string> =>
    tenant.kubectl(['exec', 'client', ...at, '--', ...command], { timeoutMs: 30_000 })
  const specOf = async (name: string): Promise<ServiceSpec> =>
    (await getJson<Thing & { spec: ServiceSpec }>(tenant.kubectl, ['service', name, ...at])).spec
  const patch = (name: string, spec: object): Promise<string> =>
    tenant.kubectl(['patch', 'service', name, ...at, '--type=merge', '-p', JSON.stringify({ spec })])
  const webPods = () => listJson(tenant.kubectl, ['pods', '-l', 'app=web', ...at])
  /** Names of the pods that answer to a pod of the tenant: all that so many tries find. One that gets no answer takes five seconds. */
  const answers = async (host: string, { port = 80, protocol = 'http', tries = 10 } = {}): Promise<Set<string>> => {
    const query = `request=hostname&protocol=${protocol}&host=${host}&port=${port}&tries=${tries}`
    const said = await fromClient('wget', '-q', '-T', '20', '-O', '-', `http://localhost:8080/dial?${query}`)
    return new Set((JSON.parse(said) as { responses?: string[] }).responses)
  }
  const names = async (): Promise<Set<string>> => new Set((await webPods()).map(({ metadata }) => metadata.name))

  /** A request from this machine to a port of a node, as from outside of the cluster, each by a connection of its own. */
  const fromOutside = (host: string, port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const asked = get({ host, port, path: '/hostname', agent: false, timeout: 2_000 }, (answer) => {
        text(answer).then(resolve, reject)
      })
      asked.on('timeout', () => asked.destroy(new Error(`${host}:${port} gave no answer within 2 s`)))
      asked.on('error', reject)
    })

  test('both pods answer at the address that super has as well, by TCP and by UDP', async () => {
    await waitFor('both pods answer', async () => (await answers('web')).size === 2)
    const byName = await waitFor('both pods answer by name', async () => {
      const seen = await answers('web.work.svc.cluster.local')
      return seen.size === 2 ? seen : undefined
    })
    expect(byName).toEqual(await names())
    const below = await getJson<Thing & { spec: ServiceSpec }>(superKubectl, [
      'service',
      'web',
      '-n',
      superNamespace(tenant, 'work'),
    ])
    expect(below.spec.clusterIP).toBe((await specOf('web')).clusterIP)
    await waitFor('both pods answer by UDP', async () => (await answers('web', { port: 81, protocol: 'udp' })).size === 2)
  })

  test('sessions stay with one pod while the Service asks for it', async () => {
    await patch('web', { sessionAffinity: 'ClientIP' })
    await waitFor('one pod', async () => (await answers('web')).size === 1)
    await patch('web', { sessionAffinity: 'None' })
    await waitFor('both pods', async () => (await answers('web')).size === 2)
  })

  test('a port of the nodes is reached on every node, whichever runs the pod, and closes with the type', async () => {
    await patch('web', { type: 'NodePort' })
    const { ports } = await specOf('web')
    const port = ports[0]?.nodePort ?? 0
    expect(port).toBeGreaterThan(0)
    for (const { ip } of world().nodes) {
      const seen = new Set<string>()
      await waitFor(`both pods at ${ip}:${port}`, async () => seen.add(await fromOutside(ip, port)).size === 2, { everyMs: 20 })
      expect(seen).toEqual(await names())
    }
    // Only the pod on the node itself.
    await patch('web', { externalTrafficPolicy: 'Local' })
    const [some] = await webPods()
    const { ip = '' } = world().nodes.find(({ name }) => name === some?.spec?.['nodeName']) ?? {}
    await waitFor(`only ${some?.metadata.name} at ${ip}`, async () => {
      const said = await Promise.all(Array.from({ length: 10 }, () => fromOutside(ip, port)))
      return said.every((name) => name === some?.metadata.name)
    })
    await patch('web', { type: 'ClusterIP' })
    await waitFor('nobody listens', () =>
      fromOutside(ip, port).then(
        () => false,
        () => true,
      ),
    )
  })

  test('headless Services have the addresses of the pods, and each pod a name', async () => {
    await apply(
      tenant.kubectl,
      service('work', 'db', { clusterIP: 'None', selector: { role: 'db' } }),
      ...['db-a', 'db-b'].map((name) =>
        pod('work', name, shell(idle), { labels: { role: 'db' }, hostname: name, subdomain: 'db' }),
      ),
    )
    await podReady(tenant.kubectl, 'work', 'db-a', 'db-b')
    const pods = await listJson(tenant.kubectl, ['pods', '-l', 'role=db', ...at])
    const lookUp = (name: string): Promise<string> => fromClient('nslookup', '-type=a', `${name}.work.svc.cluster.local`)
    for (const { metadata, status } of pods) {
      const ip = String(status?.['podIP'])
      await waitFor(`${metadata.name} by name`, async () => (await lookUp(`${metadata.name}.db`)).includes(ip), {
        everyMs: 1_000,
      })
    }
    // DNS keeps an answer for half a minute, also one that had but the first of them.
    const ips = pods.map(({ status }) => String(status?.['podIP']))
    await waitFor(
      'both behind one name',
      async () => {
        const said = await lookUp('db')
        return ips.every((ip) => said.includes(ip))
      },
      { everyMs: 1_000 },
    )
  })

  test('an ExternalName leads elsewhere, and can become an ordinary Service', async () => {
    await apply(tenant.kubectl, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'work', name: 'alias' },
      spec: { type: 'ExternalName', externalName: 'web.work.svc.cluster.local' },
    })
    await waitFor('an answer by the other name', async () => (await answers('alias', { tries: 1 })).size === 1)
    await patch('alias', {
      type: 'ClusterIP',
      externalName: null,
      selector: { app: 'web' },
      ports: [{ port: 88, targetPort: 8080 }],
    })
    // By its address: DNS answers of the past are kept for half a minute.
    const { clusterIP = '' } = await specOf('alias')
    await waitFor('an answer at the new address', async () => (await answers(clusterIP, { port: 88, tries: 1 })).size === 1)
  })

  test('a Service without a selector has the endpoints it is given', async () => {
    const [, other] = await webPods()
    await apply(
      tenant.kubectl,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'work', name: 'given' },
        spec: { ports: [{ port: 80, targetPort: 8080 }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { namespace: 'work', name: 'given-1', labels: { 'kubernetes.io/service-name': 'given' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [other?.status?.['podIP']] }],
        ports: [{ name: '', port: 8080 }],
      },
    )
    await waitFor('the given pod', async () => [...(await answers('given', { tries: 1 }))].join() === other?.metadata.name)
  })

  test('what a load balancer of super says comes up, and its address leads to the pods', async () => {
    await apply(tenant.kubectl, service('work', 'balanced', { type: 'LoadBalancer', selector: { app: 'web' } }))
    const below = superNamespace(tenant, 'work')
    const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: '203.0.113.77', ipMode: 'VIP' }] } } })
    await waitFor('the Service in super', () => superKubectl(['get', 'service', 'balanced', '-n', below, '-o', 'name']))
    await superKubectl(['patch', 'service', 'balanced', '-n', below, '--subresource=status', '--type=merge', '-p', status])
    await waitFor('the address in the tenant', async () =>
      (await tenant.kubectl(['get', 'service', 'balanced', ...at])).includes('203.0.113.77'),
    )
    await waitFor('pods at that address', async () => (await answers('203.0.113.77')).size === 2)
  })

  test('a Service range that fills up grows, and what is made after has addresses of both parts', async () => {
    await apply(
      tenant.kubectl,
      ...Array.from({ length: 4 }, (_, n) => service('work', `more-${n}`, { selector: { app: 'web' } })),
    )
    const slices = await waitFor('another slice', async () => {
      const { status } = await getJson<Thing>(superKubectl, ['tcp', 'services', '-n', 'default'])
      const all = status?.['serviceSlices'] as string[] | undefined
      return all?.[1] && all
    })
    expect(slices[0]).toBe(slice)
    const range = `berth-${slices[1]?.replaceAll(/[./]/g, '-')}`
    await waitFor('the range in the tenant', () =>
      tenant.kubectl(['wait', '--for=condition=Ready', `servicecidr/${range}`, '--timeout=10s']),
    )
    // More than the first slice has.
    await waitFor('room for all', () =>
      apply(tenant.kubectl, ...Array.from({ length: 16 }, (_, n) => service('work', `late-${n}`, { selector: { app: 'web' } }))),
    )
    const block = slices[1]?.split('.').slice(0, 3).join('.') ?? ''
    const late = (await listJson(tenant.kubectl, ['services', ...at])).filter(({ spec }) =>
      String(spec?.['clusterIP']).startsWith(`${block}.`),
    )
    expect(late.length).toBeGreaterThan(2)
    const [first] = late
    await waitFor(`pods at ${first?.metadata.name}`, async () => (await answers(String(first?.metadata.name))).size === 2)
  })
})
