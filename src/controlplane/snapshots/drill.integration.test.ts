import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { drillServer, remapEtcd } from '../../apis/snapshot-task.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { loopbackEtcd } from '../../snapshots/clone/loopback-etcd.ts'
import { remap } from '../../snapshots/clone/remap.ts'
import { countsOf, drill } from '../../snapshots/drill/drill.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { startChild } from '../../testing/child.ts'
import { eventually } from '../../testing/eventually.ts'
import { freePorts } from '../../testing/ports.ts'
import { testBinaries } from '../../testing/test-binaries.ts'
import { drillServerName } from '../names.ts'
import { drillJob, drillKeys } from './drill-objects.ts'

const signal = new AbortController().signal
const own = randomBytes(32)
let folder: string
let source: TestApiServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-drill-'))
  source = await startApiServer()
})
afterAll(async () => {
  await source?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('the API server of a drill starts with its own keys and flags, reads all, and asks nobody of the tenant', async () => {
  const { client } = source
  await client.create(resourceTypes.secrets, {
    metadata: { name: 'hidden', namespace: 'default' },
    stringData: { key: 'value' },
  } as KubeObject)
  // A terminating one has its objects deleted by any API server that runs, and a webhook is called to read those.
  const group = 'hostile.example.com'
  const definitions = resourceTypes.customResourceDefinitions
  for (const plural of ['calls', 'goings', 'quiets']) {
    await client.create(definitions, {
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Cluster',
        names: { plural, singular: plural.slice(0, -1), kind: plural, listKind: `${plural}List` },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    } as KubeObject)
    const type = { group, version: 'v1', plural, kind: plural, namespaced: false }
    const object = { apiVersion: `${group}/v1`, kind: plural, metadata: { name: 'one', finalizers: ['example.com/never'] } }
    await eventually(() => client.create(type, object), { describe: 'the new kind' })
  }
  const conversion = {
    strategy: 'Webhook',
    webhook: { clientConfig: { url: 'https://127.0.0.1:1/' }, conversionReviewVersions: ['v1'] },
  }
  await client.patch(definitions, { name: `calls.${group}` }, { spec: { conversion } }, { type: 'merge' })
  await client.delete(definitions, { name: `goings.${group}` })
  // It would be asked for each write, also of those that an API server makes when it starts.
  await client.create(resourceTypes.validatingWebhookConfigurations, {
    metadata: { name: 'hostile' },
    webhooks: [
      {
        name: 'hostile.example.com',
        clientConfig: { url: 'https://127.0.0.1:1/' },
        rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  } as KubeObject)
  await source.kill()
  const etcd = loopbackEtcd(source.etcdUrl, signal)
  await remap(etcd, { slices: undefined, keys: { source: randomBytes(32), own }, isDrill: true })
  expect(await etcd.count('/registry/validatingwebhookconfigurations/')).toBe(0)
  const left: string[] = []
  for await (const key of etcd.keys('/registry/apiextensions.k8s.io/customresourcedefinitions/')) left.push(key)
  expect(left.map((key) => key.split('/').at(-1))).toEqual([`quiets.${group}`])

  const { access, files } = await drillKeys(own.toString('base64'), new Date())
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const job = drillJob({
    tenant: { uid: 'u', name: 'acme', namespace: 'home' },
    namespace: 'berth-acme',
    name: 'snapshot-drill-x',
    image: 'berth:test',
    images: { etcd: 'etcd', kubeApiServer: 'kube-apiserver' },
    fileNames: Object.keys(files),
    slice: '10.96.0.0/16',
    quotaBytes: 2 ** 30,
  })
  const containers = job.spec.template.spec.initContainers as { name: string; command: string[] }[]
  const [, ...flags] = containers.find(({ name }) => name === drillServerName)?.command ?? []
  const [[port = 0], { kubeApiServer }] = await Promise.all([freePorts(1), testBinaries()])
  const here = flags.map((flag) =>
    flag
      .replace('/etc/berth/drill', folder)
      .replace(remapEtcd, source.etcdUrl)
      .replace('--secure-port=6443', `--secure-port=${port}`),
  )
  const server = startChild(kubeApiServer, [...here, `--cert-dir=${folder}`], join(folder, 'log'))
  const reader = createKubeClient({ server: drillServer.replace('6443', String(port)), ...access }, { userAgent: 'berth-drill' })
  try {
    const stored = await countsOf(etcd)
    const seen = await drill(reader, stored, signal).catch(async (error: unknown) => {
      throw new Error(await server.logTail(), { cause: error })
    })
    expect(seen).toMatchObject({ secrets: 1, problems: [] })
    expect(seen.objects).toBeGreaterThan(100)
  } finally {
    await reader.close()
    await server.end('SIGKILL')
  }
})
