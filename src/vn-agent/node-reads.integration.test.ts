import { sign } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { type AgentSuper, acme, agentNode, other, startAgentSuper } from '../testing/agent-super.ts'
import { eventually } from '../testing/eventually.ts'
import { tokenKeyOf } from './token.ts'

let place: AgentSuper
const homes = { acme: superNamespace(acme, 'shop'), other: superNamespace(other, 'shop') }

beforeAll(async () => {
  place = await startAgentSuper()
  const { client } = place.superApi
  await client.create(resourceTypes.clusterRoles, {
    metadata: { name: 'system:metrics-server' },
    rules: [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }],
  })
  for (const name of ['scraper', 'nobody']) {
    await client.create(resourceTypes.serviceAccounts, { metadata: { name, namespace: 'default' } })
  }
  await client.create(resourceTypes.clusterRoleBindings, {
    metadata: { name: 'scraper' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:metrics-server' },
    subjects: [{ kind: 'ServiceAccount', name: 'scraper', namespace: 'default' }],
  })
  place.pages.set('/metrics/resource', { type: 'text/plain; version=0.0.4', body: resourcePage() })
  place.pages.set('/metrics/cadvisor', { type: 'text/plain; version=0.0.4', body: cadvisorPage() })
  place.pages.set('/stats/summary', { type: 'application/json', body: JSON.stringify(summaryPage()) })
})
afterAll(() => place?.stop())
beforeEach(() => void place.kubelet.requests.splice(0))

const resourcePage = (): string => `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="main",namespace="${homes.acme}",pod="web-0"} 1.5 1000
container_cpu_usage_seconds_total{container="main",namespace="${homes.other}",pod="web-0"} 99 1000
container_cpu_usage_seconds_total{container="coredns",namespace="kube-system",pod="coredns"} 77 1000
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 4711 2000
# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="${homes.acme}",pod="web-0"} 2.5 1500
pod_cpu_usage_seconds_total{namespace="${homes.acme}",pod="planted-by-hand"} 3 1500
pod_cpu_usage_seconds_total{namespace="${homes.other}",pod="web-0"} 88 1500
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{namespace="${homes.acme}",pod="web-0"} 1048576 1500
pod_memory_working_set_bytes{namespace="${homes.other}",pod="web-0"} 999 1500
# TYPE scrape_error gauge
scrape_error 0
`

const cadvisorPage = (): string => {
  const id = (uid: string, rest: string): string => `id="/kubelet.slice/kubepods/burstable/pod${uid}${rest}"`
  const own = place.superUidOf(acme)
  const labels = (rest: string): string => `image="",name="",namespace="${homes.acme}",pod="web-0"${rest}`
  return `# TYPE container_memory_rss gauge
container_memory_rss{container="",id="/",image="",name="",namespace="",pod=""} 1 1
container_memory_rss{container="",${id(own, '')},${labels('')}} 10 1
container_memory_rss{container="main",${id(own, '/abc')},image="main",name="abc",namespace="${homes.acme}",pod="web-0"} 11 1
container_memory_rss{container="",${id('of-a-pod-before', '')},${labels('')}} 12 1
container_memory_rss{container="",${id(own, '')},${labels(',container_label_secret="x"')}} 13 1
container_memory_rss{container="",${id(place.superUidOf(other), '')},image="",name="",namespace="${homes.other}",pod="web-0"} 14 1
# TYPE machine_memory_bytes gauge
machine_memory_bytes{boot_id="1",machine_id="2",system_uuid="3"} 123
`
}

const summaryPage = (): unknown => ({
  node: {
    nodeName: agentNode,
    startTime: '2026-11-21T00:00:00Z',
    cpu: { usageCoreNanoSeconds: 4711 },
    systemContainers: [{ name: 'kubelet' }],
  },
  pods: [acme, other].map((tenant) => ({
    podRef: { name: 'web-0', namespace: superNamespace(tenant, 'shop'), uid: place.superUidOf(tenant) },
    startTime: '2026-11-21T00:00:00Z',
    containers: [{ name: 'main', cpu: { usageNanoCores: 5 } }],
    cpu: { time: '2026-11-21T00:00:01Z', usageNanoCores: 5, usageCoreNanoSeconds: 50 },
    memory: { time: '2026-11-21T00:00:01Z', workingSetBytes: 500 },
    volume: [{ name: 'data', usedBytes: 1, pvcRef: { name: 'data', namespace: superNamespace(tenant, 'shop') } }],
  })),
})

const get = (path: string, token?: string): string[] => [
  `GET ${path} HTTP/1.1`,
  'Connection: close',
  ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
]

const tokenOf = async (name: string, spec: Record<string, unknown> = {}): Promise<string> => {
  const request: KubeObject = { metadata: { name, namespace: 'default' }, spec: { expirationSeconds: 600, ...spec } }
  const { status } = await place.superApi.client.create(resourceTypes.serviceAccounts, request, { subresource: 'token' })
  return status.token as string
}

describe('what a tenant reads of a node', () => {
  test('/metrics/resource has its own pods alone, and a node that is used by them alone', async () => {
    const { status, text } = await place.ask(acme, get('/metrics/resource'))
    expect(status).toBe(200)
    expect(text.split('\n')).toEqual([
      '# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time',
      '# TYPE container_cpu_usage_seconds_total counter',
      'container_cpu_usage_seconds_total{container="main",namespace="shop",pod="web-0"} 1.5 1000',
      '# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time',
      '# TYPE pod_cpu_usage_seconds_total counter',
      'pod_cpu_usage_seconds_total{namespace="shop",pod="web-0"} 2.5 1500',
      '# TYPE pod_memory_working_set_bytes gauge',
      'pod_memory_working_set_bytes{namespace="shop",pod="web-0"} 1048576 1500',
      '# HELP node_cpu_usage_seconds_total CPU time used by your pods on the node in core-seconds',
      '# TYPE node_cpu_usage_seconds_total counter',
      'node_cpu_usage_seconds_total 2.5 1500',
      '# HELP node_memory_working_set_bytes Working set of your pods on the node in bytes',
      '# TYPE node_memory_working_set_bytes gauge',
      'node_memory_working_set_bytes 1048576 1500',
      '# HELP node_swap_usage_bytes Swap used by your pods on the node in bytes',
      '# TYPE node_swap_usage_bytes gauge',
      'node_swap_usage_bytes 0 1500',
      '# TYPE scrape_error gauge',
      'scrape_error 0',
      '',
    ])
  })

  test('/metrics/cadvisor keeps no other pod, no label that nobody has looked at and no UID of super', async () => {
    const { text } = await place.ask(acme, get('/metrics/cadvisor'))
    expect(text.split('\n')).toEqual([
      '# TYPE container_memory_rss gauge',
      'container_memory_rss{container="",id="/kubepods/podpod-of-acme",image="",name="",namespace="shop",pod="web-0"} 10 1',
      'container_memory_rss{container="main",id="/kubepods/podpod-of-acme/abc",image="main",name="abc",namespace="shop",pod="web-0"} 11 1',
      '',
    ])
  })

  test('/stats/summary has its own pods by its own UIDs', async () => {
    const { text } = await place.ask(acme, get('/stats/summary?only_cpu_and_memory=true'))
    expect(JSON.parse(text)).toEqual({
      node: {
        nodeName: agentNode,
        startTime: '2026-11-21T00:00:00Z',
        cpu: { time: '2026-11-21T00:00:01Z', usageNanoCores: 5, usageCoreNanoSeconds: 50 },
        memory: { time: '2026-11-21T00:00:01Z', workingSetBytes: 500 },
      },
      pods: [
        {
          podRef: { name: 'web-0', namespace: 'shop', uid: 'pod-of-acme' },
          startTime: '2026-11-21T00:00:00Z',
          containers: [{ name: 'main', cpu: { usageNanoCores: 5 } }],
          cpu: { time: '2026-11-21T00:00:01Z', usageNanoCores: 5, usageCoreNanoSeconds: 50 },
          memory: { time: '2026-11-21T00:00:01Z', workingSetBytes: 500 },
          volume: [{ name: 'data', usedBytes: 1, pvcRef: { name: 'data', namespace: 'shop' } }],
        },
      ],
    })
  })

  test('/pods has its own pods with its own labels and nothing that super added', async () => {
    const { text } = await place.ask(acme, get('/pods'))
    const { kind, items } = JSON.parse(text) as { kind: string; items: KubeObject[] }
    expect(kind).toBe('PodList')
    expect(items.map(({ metadata }) => metadata)).toMatchObject([
      { name: 'web-0', namespace: 'shop', uid: 'pod-of-acme', labels: { app: 'web' }, annotations: {} },
    ])
    expect(items[0]?.metadata.labels).toEqual({ app: 'web' })
    expect(items[0]?.spec?.['containers']).toMatchObject([{ name: 'main', image: 'main' }])
    expect(text).not.toMatch(/berth|SUPER|in-super|shop-/)
  })

  test('nothing of another tenant or of super is in any page', async () => {
    for (const path of [
      '/metrics',
      '/metrics/resource',
      '/metrics/cadvisor',
      '/metrics/probes',
      '/stats/summary',
      '/pods',
      '/runningpods/',
    ]) {
      const { status, text } = await place.ask(acme, get(path))
      expect(status, path).toBe(200)
      for (const word of [
        homes.acme,
        homes.other,
        place.superUidOf(acme),
        place.superUidOf(other),
        'kube-system',
        'pod-of-other',
        '4711',
      ]) {
        expect(text, path).not.toContain(word)
      }
    }
  })

  test('a kubelet is read once for all that ask within seconds', async () => {
    await Promise.all([acme, other, acme, other].map((tenant) => place.ask(tenant, get('/metrics/probes'))))
    expect(place.kubelet.requests.filter(({ url }) => url === '/metrics/probes').length).toBeLessThanOrEqual(1)
  })
})

describe('whose token', () => {
  test('a token with the right reads as the tenant that signed it', async () => {
    const { status, text } = await place.ask(undefined, get('/metrics/resource', await tokenOf('scraper')))
    expect(status).toBe(200)
    expect(text).toContain('namespace="shop",pod="web-0"} 2.5 1500')
    expect(text).not.toContain(' 88 ')
  })

  test('a right to metrics is none to pods or statistics', async () => {
    const token = await tokenOf('scraper')
    for (const path of ['/pods', '/stats/summary']) {
      const { status, text } = await place.ask(undefined, get(path, token))
      expect([status, text]).toEqual([403, expect.stringContaining('Forbidden')])
    }
  })

  test('a token without rights, with another audience, or of an account that has gone is refused', async () => {
    expect((await place.ask(undefined, get('/metrics/resource', await tokenOf('nobody')))).status).toBe(403)
    const forOthers = await tokenOf('scraper', { audiences: ['somebody-else'] })
    expect((await place.ask(undefined, get('/metrics/resource', forOthers))).status).toBe(401)
    await place.superApi.client.create(resourceTypes.serviceAccounts, { metadata: { name: 'short', namespace: 'default' } })
    const gone = await Promise.all(Array.from({ length: 50 }, () => tokenOf('short')))
    await place.superApi.client.delete(resourceTypes.serviceAccounts, { name: 'short', namespace: 'default' })
    // The API server hears of it a moment later, and what it has said of a token holds for ten seconds: another one each time.
    await eventually(async () => (await place.ask(undefined, get('/metrics/resource', gone.pop() ?? ''))).status === 401, {
      everyMs: 200,
      describe: 'the refusal',
    })
  })

  const forged = (header: object, claims: object, key: string): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part(header)}.${part(claims)}`
    return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
  }
  test('a token is worth what the API server of its own tenant says, not what it says of itself', async () => {
    const real = await tokenOf('scraper')
    const [header = '', claims = ''] = real.split('.')
    const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as object
    // Signed with the key of the other tenant: that tenant's API server (here the same one) does not know it.
    const { data } = (await place.superApi.client.get(resourceTypes.configMaps, {
      namespace: 'berth-tenants',
      name: `tenant-${other.uid}`,
    })) ?? { data: {} }
    const otherKid = tokenKeyOf(data['sa.pub']).id
    const tokens = [
      forged({ ...parse(header), kid: otherKid }, parse(claims), place.otherKey),
      // The key id of one tenant and the signature of another.
      forged(parse(header), parse(claims), place.otherKey),
      forged({ alg: 'RS256', kid: 'unknown' }, parse(claims), place.otherKey),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`,
      `${real.slice(0, -6)}AAAAAA`,
      'x',
    ]
    for (const token of tokens) {
      expect((await place.ask(undefined, get('/metrics/resource', token))).status, token).toBe(401)
    }
    expect(place.kubelet.requests).toEqual([])
  })
})
