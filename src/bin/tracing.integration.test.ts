import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { type Child, startChild } from '../testing/child.ts'
import { eventually } from '../testing/eventually.ts'
import { freePorts } from '../testing/ports.ts'
import { startTraceReceiver, type TraceReceiver } from '../testing/trace-receiver.ts'

// The processes as they are run, and a collector that takes what they send.
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const callerSpan = '00f067aa0ba902b7'

let world: ApiWorld
let receiver: TraceReceiver
let children: readonly Child[] = []
let port: number | undefined

const start = (name: string, args: readonly string[], env: Readonly<Record<string, string>>): Child => {
  const given = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  const command = [...given, process.execPath, join(import.meta.dirname, `${name}.ts`)]
  const child = startChild('env', [...command, `--kubeconfig=${world.api.kubeconfigPath}`, ...args], logOf(name))
  children = [...children, child]
  return child
}
const logOf = (name: string) => join(world.api.folder, `${name}.log`)
const linesOf = async (name: string): Promise<readonly Record<string, unknown>[]> =>
  (await readFile(logOf(name), 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const ask = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: object) =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${world.platformKey}`,
      ...(body && { 'content-type': 'application/json', 'idempotency-key': 'k1' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
const spanOf = (name: string, trace?: string) =>
  eventually(async () => receiver.spans.find((span) => span.name === name && (trace === undefined || span.traceId === trace)), {
    deadlineMs: 20_000,
    describe: `span ${name}`,
  })

beforeAll(async () => {
  world = await startApiWorld()
  receiver = await startTraceReceiver()
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector=ours',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  }
  const ports = await freePorts(3)
  port = ports[0]
  start('api', [`--port=${ports[0]}`, `--health-port=${ports[1]}`], { ...env, OTEL_TRACES_SAMPLER: 'parentbased_always_off' })
  start('manager', [`--health-port=${ports[2]}`, '--identity=test'], { ...env, OTEL_SERVICE_NAME: 'manager-of-ours' })
  await eventually(async () => (await ask('GET', '/readyz', {})).status === 200, {
    deadlineMs: 30_000,
    describe: 'the API to be ready',
  })
}, 300_000)
afterAll(async () => {
  await Promise.all(children.map((child) => child.end()))
  await receiver?.stop()
  await world?.stop()
})

test('a request is of the trace of its caller, and calls of the API server are of the request', async () => {
  const caller = { traceparent: `00-${traceId}-${callerSpan}-01`, 'x-request-id': 'r1' }
  expect((await ask('POST', '/v1/organizations', caller, { name: 'acme' })).status).toBe(201)
  const span = await spanOf('POST /v1/organizations', traceId)
  expect(span).toMatchObject({ service: 'berth-api', parentSpanId: callerSpan, kind: 2, failed: false })
  expect(span?.attributes).toMatchObject({
    'http.route': '/v1/organizations',
    'http.response.status_code': 201,
    'berth.request_id': 'r1',
  })
  const call = await eventually(
    async () => receiver.spans.find((each) => each.traceId === traceId && each.attributes['url.path'] === '/api/v1/namespaces'),
    { describe: 'the span of what makes the namespace' },
  )
  expect(call).toMatchObject({ name: 'kube POST', parentSpanId: span?.spanId, kind: 3 })
  expect(call?.attributes).toMatchObject({ 'http.response.status_code': 201 })
  expect(receiver.header('x-collector')).toBe('ours')
  const line = (await linesOf('api')).find(({ requestId }) => requestId === 'r1')
  expect(line).toMatchObject({ msg: 'answered', trace_id: traceId, span_id: span?.spanId })
})

test('what its caller does not keep is not kept, and a header that is none begins no trace of its sender', async () => {
  const before = receiver.spans.length
  const other = traceId.replace('4', '5')
  await ask('GET', '/v1/organizations', { traceparent: `00-${other}-${callerSpan}-00`, 'x-request-id': 'r2' })
  await ask('GET', '/v1/organizations', { traceparent: `00-${other}-nothing`, 'x-request-id': 'r3' })
  const kept = traceId.replace('4', '6')
  await ask('GET', '/v1/nothing', { traceparent: `00-${kept}-${callerSpan}-01` })
  expect(await spanOf('GET unknown', kept)).toMatchObject({ attributes: { 'http.response.status_code': 404 } })
  const since = receiver.spans.slice(before).filter(({ service }) => service === 'berth-api')
  expect(since.map(({ traceId: id }) => id)).not.toContain(other)
  const lines = await linesOf('api')
  expect(lines.find(({ requestId }) => requestId === 'r2')).toMatchObject({ trace_id: other })
  expect(lines.find(({ requestId }) => requestId === 'r3')).not.toMatchObject({ trace_id: other })
})

test('a reconcile is a trace with its steps, and theirs', async () => {
  const metadata = { name: 'shop', namespace: 'default' }
  const { apiVersion, kind } = { apiVersion: 'berth.dev/v1alpha1', kind: 'TenantControlPlane' }
  await world.kube.create(resourceTypes.tenantControlPlanes, { apiVersion, kind, metadata, spec: { version: 'v1.37.1' } })
  const step = await eventually(
    async () => receiver.spans.find(({ name, service }) => name.startsWith('step ') && service === 'manager-of-ours'),
    { deadlineMs: 40_000, describe: 'a step of a reconcile' },
  )
  const round = await spanOf('reconcile tenants', step?.traceId)
  expect(round).toMatchObject({ attributes: { 'berth.key': 'default/shop', 'berth.result': expect.any(String) } })
  expect(round?.parentSpanId ?? '').toBe('')
  expect(step?.parentSpanId).toBe(round?.spanId)
  const calls = receiver.spans.filter((span) => span.traceId === round?.traceId && span.name.startsWith('kube '))
  expect(calls.length).toBeGreaterThan(0)
})

test('the last spans are sent before the process ends', async () => {
  const last = traceId.replace('4', '7')
  const [api] = children
  await ask('GET', '/v1/organizations', { traceparent: `00-${last}-${callerSpan}-01` })
  await api?.end()
  expect(api?.exit()).toBe('code 0')
  expect(receiver.spans.map(({ traceId: id }) => id)).toContain(last)
})
