import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation } from '../tenancy/marks.ts'
import { superNamespace, systemNamespace } from '../tenancy/names.ts'
import { readHead } from '../testing/agent-peers.ts'
import { type AgentSuper, acme, agentUser, other, startAgentSuper } from '../testing/agent-super.ts'
import { eventually } from '../testing/eventually.ts'

let place: AgentSuper
beforeAll(async () => {
  const verbs = ['get /pods', 'list /pods', 'list /secrets', 'get /nodes/proxy']
  place = await startAgentSuper(verbs.map((right) => `berth-vn-agent ${right}`))
})
afterAll(() => place?.stop())

const log = (path: string): string[] => [`GET /containerLogs/${path} HTTP/1.1`, 'Connection: close']
const exec = (path: string, protocol = 'SPDY/3.1', extra: readonly string[] = []): string[] => [
  `POST /exec/${path}?command=cat&input=1&output=1 HTTP/1.1`,
  'Connection: Upgrade',
  `Upgrade: ${protocol}`,
  'Content-Length: 0',
  ...extra,
]

describe.for(['api', 'kubelet'] as const)('by way of the %s', (way) => {
  test('a log comes with every option', async () => {
    const answer = await place.ask(
      acme,
      log('shop/web-0/main?follow=true&limitBytes=99&sinceSeconds=7&stream=All&tailLines=3&timestamps=true'),
      way,
    )
    expect(answer.status).toBe(200)
    const namespace = superNamespace(acme, 'shop')
    expect(answer.text).toContain(
      `log of /containerLogs/${namespace}/web-0/main?follow=true&limitBytes=99&sinceSeconds=7&tailLines=3&timestamps=true`,
    )
  })

  test.for(['SPDY/3.1', 'websocket'])('32 MiB over %s come back byte for byte', async (protocol) => {
    const sent = randomBytes(32 * 1024 * 1024)
    const socket = await place.dial(acme, way)
    const webSocket = [
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: v4.channel.k8s.io',
    ]
    const lines = exec(
      'shop/web-0/main',
      protocol,
      protocol === 'websocket' ? webSocket : ['X-Stream-Protocol-Version: v5.channel.k8s.io'],
    )
    socket.write([...lines, 'Host: node', '', ''].join('\r\n'))
    const answer = await readHead(socket)
    expect(answer.status).toBe(101)
    // Super closes both directions as soon as one has ended, so the end is sent when all has come back.
    const hash = createHash('sha256').update(answer.rest)
    let bytes = answer.rest.length
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bytes += chunk.length
    })
    socket.resume()
    socket.write(sent)
    await eventually(() => bytes >= sent.length, { deadlineMs: 60_000, describe: 'the echo' })
    expect(bytes).toBe(sent.length)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
    expect(place.kubelet.requests.at(-1)?.url).toBe(
      `/exec/${superNamespace(acme, 'shop')}/web-0/main?command=cat&input=1&output=1`,
    )
    socket.destroy()
  })

  describe('pods of others and of nobody look the same', () => {
    test.for<[name: string, path: string]>([
      ['an unknown pod', 'shop/web-9/main'],
      ['an unknown namespace', 'elsewhere/web-0/main'],
      ['the super namespace of another tenant', `${superNamespace(other, 'shop')}/web-0/main`],
      ['a namespace of super', 'kube-system/web-0/main'],
    ])('%s', async ([, path]) => {
      const before = place.kubelet.requests.length
      for (const lines of [log(path), exec(path)]) {
        const { status, text } = await place.ask(acme, lines, way)
        expect([status, text.trim()]).toEqual([404, 'not found'])
      }
      expect(place.kubelet.requests.length).toBe(before)
    })

    test('the UID of the pod of another tenant', async () => {
      expect((await place.ask(acme, exec('shop/web-0/pod-of-other/main'), way)).status).toBe(404)
    })

    test('a pod in the namespace of the tenant that is marked as another one’s', async () => {
      const namespace = superNamespace(acme, 'shop')
      const name = `planted-${way}`
      await place.superApi.client.create(resourceTypes.pods, {
        metadata: {
          name,
          namespace,
          labels: { [tenantLabel]: other.uid },
          annotations: { [tenantNamespaceAnnotation]: 'shop', [tenantNameAnnotation]: name },
        },
        spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'main' }] },
      })
      expect((await place.ask(acme, log(`shop/${name}/main`), way)).status).toBe(404)
    })
  })

  test('what is not served is not there', async () => {
    const before = place.kubelet.requests.length
    for (const path of ['/run/shop/web-0/main?cmd=id', '/logs/', '/configz', '/checkpoint/shop/web-0/main', '/debug/pprof/']) {
      expect((await place.ask(acme, [`GET ${path} HTTP/1.1`, 'Connection: close'], way)).status).toBe(404)
    }
    expect(place.kubelet.requests.length).toBe(before)
  })
})

test('the reason of super is told in the words of the tenant', async () => {
  const { status, text } = await place.ask(acme, log('shop/web-0/nothing'))
  expect(status).toBe(400)
  expect(text).toContain('container nothing is not valid for pod web-0')
})

test('the account of the agent alone reads no pod, no Secret and no log', async () => {
  const alone = createKubeClient(await place.superApi.connectionAs(agentUser), { userAgent: 'test' })
  const pod = { namespace: superNamespace(acme, 'shop'), name: 'web-0' }
  const forbidden = { code: 'KUBE_FORBIDDEN' }
  await expect(alone.get(resourceTypes.pods, pod)).rejects.toMatchObject(forbidden)
  await expect(alone.list(resourceTypes.pods)).rejects.toMatchObject(forbidden)
  await expect(alone.list(resourceTypes.secrets, { namespace: pod.namespace })).rejects.toMatchObject(forbidden)
  await expect(alone.list(resourceTypes.secrets, { namespace: systemNamespace })).rejects.toMatchObject(forbidden)
  for (const path of ['/proxy/pods', '/proxy/logs/', '/proxy/run/a/b/c']) {
    expect((await alone.raw(`/api/v1/nodes/n1${path}`)).status).toBe(403)
  }
  for (const user of [
    'system:admin',
    'system:serviceaccount:kube-system:default',
    `system:serviceaccount:${systemNamespace}:berth-syncer`,
  ]) {
    await expect(alone.as(user).get(resourceTypes.pods, pod)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  }
  await alone.close()
})
