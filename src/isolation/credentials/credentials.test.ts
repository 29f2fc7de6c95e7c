import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { KubeObject } from '../../apis/kube-object.ts'
import { componentLabel } from '../../tenancy/marks.ts'
import { createTestPki, type TestPki } from '../../testing/test-pki.ts'
import { findingsIn } from './found.ts'
import { ownObjectsOf } from './own-objects.ts'
import { waysInto } from './ways.ts'

const pod = (spec: object): KubeObject => ({
  metadata: { name: 'p' },
  spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'i' }], ...spec },
})
const inVolume = (source: object) => pod({ volumes: [{ name: 'v', ...source }] })
const inContainer = (fields: object) => pod({ containers: [{ name: 'main', image: 'i', ...fields }] })
const toldWays = (of: KubeObject): readonly string[] =>
  waysInto(of).map((way) => `${way.kind} ${'name' in way ? way.name : way.kind === 'text' ? way.text : way.what}`)

describe('waysInto', () => {
  test.for<[what: string, of: KubeObject, ways: readonly string[]]>([
    ['none', inVolume({ emptyDir: {} }), []],
    [
      'a claim and facts of itself',
      pod({
        volumes: [
          { name: 'a', persistentVolumeClaim: {} },
          { name: 'b', downwardAPI: {} },
        ],
      }),
      [],
    ],
    [
      'a token that nobody said no to',
      pod({ automountServiceAccountToken: undefined }),
      ['credential automountServiceAccountToken, which is not off'],
    ],
    [
      'a token that somebody wants',
      pod({ automountServiceAccountToken: true }),
      ['credential automountServiceAccountToken, which is not off'],
    ],
    [
      'all that can be projected',
      inVolume({
        projected: {
          sources: [
            { serviceAccountToken: { path: 't' } },
            { podCertificate: { signerName: 's' } },
            { secret: { name: 's' } },
            { configMap: { name: 'c' } },
            { downwardAPI: {} },
            { clusterTrustBundle: {} },
          ],
        },
      }),
      [
        'credential token of a ServiceAccount in volume v',
        'credential certificate of the pod in volume v',
        'Secret s',
        'ConfigMap c',
      ],
    ],
    ['a Secret', inVolume({ secret: { secretName: 's' } }), ['Secret s']],
    ['a ConfigMap', inVolume({ configMap: { name: 'c' } }), ['ConfigMap c']],
    ['files of the node', inVolume({ hostPath: { path: '/' } }), ['hidden volume v (hostPath)']],
    ['what a driver brings', inVolume({ csi: { driver: 'd' } }), ['hidden volume v (csi)']],
    [
      'variables',
      inContainer({
        env: [
          { name: 'A', value: 'plain' },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
          { name: 'C', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } },
          { name: 'D', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        ],
        envFrom: [{ secretRef: { name: 's2' } }, { configMapRef: { name: 'c2' } }],
      }),
      ['text plain', 'Secret s', 'ConfigMap c', 'Secret s2', 'ConfigMap c2'],
    ],
    ['what it is started with', inContainer({ command: ['sh'], args: ['-c'] }), ['text sh', 'text -c']],
    [
      'containers that begin, and that are looked in with',
      pod({
        initContainers: [{ name: 'a', envFrom: [{ secretRef: { name: 's' } }] }],
        ephemeralContainers: [{ name: 'b', envFrom: [{ secretRef: { name: 's2' } }] }],
      }),
      ['Secret s', 'Secret s2'],
    ],
  ])('%s', ([, of, ways]) => {
    expect(toldWays(of)).toEqual(ways)
  })
})

const token = `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(40)}`

describe('findingsIn', () => {
  const tokensIn = (texts: Record<string, string>) =>
    Promise.all(findingsIn(texts).credentials.map(async ({ key, credential }) => `${key} ${await credential.token?.()}`))

  test('none in ordinary texts', () => {
    expect(findingsIn({ a: 'clusters: [', b: '{"clusters": 3}', c: 'eyJhbGciOi', d: '\u0000\u0001', e: '' })).toEqual({
      servers: [],
      credentials: [],
    })
  })

  test('a token, wherever it stands', async () => {
    expect(await tokensIn({ a: `Bearer ${token}\n`, b: JSON.stringify({ token }) })).toEqual([`a ${token}`, `b ${token}`])
  })

  test('servers and tokens of a kubeconfig, in YAML and in JSON', async () => {
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://super.example:6443' } }],
      users: [
        { name: 'u', user: { token: 'not-a-jwt' } },
        { name: 'v', user: null },
      ],
    }
    const { servers } = findingsIn({ y: stringify(config), j: JSON.stringify(config) })
    expect(servers.map(({ key, server }) => `${key} ${server}`)).toEqual([
      'y https://super.example:6443',
      'j https://super.example:6443',
    ])
    expect(await tokensIn({ y: stringify(config) })).toEqual(['y not-a-jwt'])
  })
})

describe('certificates with their keys', () => {
  let folder: string
  let pki: TestPki
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-found-'))
    pki = await createTestPki(folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('are found by what they are: apart, in one text, in JSON, in a kubeconfig', async () => {
    const { clientCert, clientKey } = await pki.client('one')
    const found = { clientCert: clientCert.trim(), clientKey: clientKey.trim() }
    const encoded = (text: string) => Buffer.from(text).toString('base64')
    const user = { 'client-certificate-data': encoded(clientCert), 'client-key-data': encoded(clientKey) }
    const config = { clusters: [{ name: 'c', cluster: { server: 'https://a' } }], users: [{ name: 'u', user }] }
    const of = (texts: Record<string, string>) => findingsIn(texts).credentials
    const wherever: readonly Record<string, string>[] = [
      { a: clientCert, b: clientKey },
      { a: clientKey + clientCert },
      { a: JSON.stringify({ clientCert, clientKey }) },
      { a: stringify(config) },
    ]
    for (const texts of wherever) expect(of(texts)).toEqual([{ key: 'a', credential: found }])
  })

  test('a certificate with the key of another is nobody', async () => {
    const [one, other] = [await pki.client('one'), await pki.client('other')]
    expect(findingsIn({ a: one.clientCert, b: other.clientKey, c: pki.ca }).credentials).toEqual([])
  })
})

describe('ownObjectsOf', () => {
  const of = (labels: Record<string, string>) => ownObjectsOf({ metadata: { name: 'p', labels } })

  test('what Berth made for a pod, and not what it made for others', () => {
    expect(of({ [componentLabel]: 'etcd' })).toEqual(['Secret etcd-keys', 'ConfigMap etcd-members'])
    expect(of({ [componentLabel]: 'drill', 'batch.kubernetes.io/job-name': 'drill-1' })).toEqual(['Secret drill-1'])
    expect(of({ [componentLabel]: 'etcd', 'batch.kubernetes.io/job-name': 'etcd' })).not.toContain('Secret etcd')
    expect(of({ [componentLabel]: 'constructor' })).toEqual([])
    expect(of({})).toEqual([])
  })
})
