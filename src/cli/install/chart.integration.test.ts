import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { ensureBinaries } from '../../../hack/binaries.ts'
import { attempt, run } from '../../../hack/run.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { objectsOf } from './manifests.ts'
import { idOf, typeOf } from './object-type.ts'
import { type GivenValues, installValues } from './values.ts'

// One truth in three shapes: kustomize, the chart, and `berth install` must give the same objects.
const root = join(import.meta.dirname, '../../..')
const chart = join(root, 'charts/berth')

let helm: string
let kubectl: string
let folder: string

beforeAll(async () => {
  const programs = await ensureBinaries(['helm', 'kubectl'])
  helm = programs.helm
  kubectl = programs.kubectl
  folder = await mkdtemp(join(tmpdir(), 'berth-chart-'))
}, 900_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const objectsIn = (text: string): KubeObject[] =>
  parseAllDocuments(text, { version: '1.1' }).flatMap((document) => (document.toJS() as KubeObject | null) ?? [])
const byId = (objects: readonly KubeObject[]): Record<string, KubeObject> => {
  const all = Object.fromEntries(objects.map((object) => [idOf(object), object]))
  expect(Object.keys(all)).toHaveLength(objects.length)
  return all
}

/** Helm's own word on definitions is all in which they may differ. */
const withoutKeep = (object: KubeObject): KubeObject => {
  if (object.kind !== 'CustomResourceDefinition') return object
  expect(object.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' })
  const { annotations: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

const env = () => ({ HELM_CONFIG_HOME: folder, HELM_CACHE_HOME: folder, HELM_DATA_HOME: folder })
const template = async (values: unknown, ...flags: string[]): Promise<KubeObject[]> => {
  const file = join(folder, 'values.yaml')
  await writeFile(file, stringify(values))
  return objectsIn(await run(helm, ['template', 'berth', chart, '-f', file, ...flags], { env: env() }))
}

const same: readonly [folder: string, values: GivenValues][] = [
  ['base', {}],
  ['apart/management', { side: 'management' }],
  ['apart/super', { side: 'super' }],
  ['options/vn-agent-kubelet', { vnAgent: { via: 'kubelet' } }],
  ['options/api', { api: { enabled: true } }],
  ['options/isolation-verify', { isolationVerify: { enabled: true } }],
]

describe('what is installed', () => {
  test.for(same)('is the same by manifests/%s, the chart and berth install', async ([place, values]) => {
    const byKustomize = byId(objectsIn(await run(kubectl, ['kustomize', join(root, 'manifests', place)])))
    expect(Object.keys(byKustomize).length).toBeGreaterThan(15)
    expect(byId(await objectsOf(installValues(values, 'test')))).toEqual(byKustomize)
    expect(byId((await template(values, '--no-hooks')).map(withoutKeep))).toEqual(byKustomize)
  })

  const pods = {
    priorityClassName: 'high',
    nodeSelector: { pool: 'berth' },
    tolerations: [{ key: 'berth', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    podAnnotations: { 'example.org/scrape': 'true' },
    serviceAccount: { annotations: { 'example.org/role': "arn:x:'y'" } },
    resources: { requests: { cpu: 1, memory: '1Gi' } },
    extraArgs: ['--token-renewal-seconds=7', '--x={{ .Values.side }} "q" \'s\' <&>'],
  }
  test.for<[name: string, values: unknown]>([
    [
      'images',
      { image: { repository: 'r.example.org:5000/b', tag: 'v1.2', pullPolicy: 'Always', pullSecrets: [{ name: 'r' }] } },
    ],
    ['a digest', { image: { digest: `sha256:${'a'.repeat(64)}` } }],
    ['a tag that looks like a number', { image: { tag: '1e3' } }],
    ['levels', { logLevel: 'debug' }],
    ['all of pods', { manager: { replicas: 3, ...pods }, syncer: { replicas: 2, ...pods }, vnAgent: pods }],
    [
      'nothing for pods',
      { vnAgent: { tolerations: [], priorityClassName: '' }, manager: { resources: { requests: { cpu: 1 }, limits: null } } },
    ],
    [
      'flags',
      {
        manager: { flags: { 'token-renewal-seconds': 1_000_000, 'image-registry': 'r.example.org', 'trust-settle-seconds': 0 } },
        vnAgent: { flags: { 'kubelet-insecure-tls': true, 'sessions-per-tenant': 7 }, via: 'kubelet' },
        logLevel: 'warn',
      },
    ],
    [
      'the API and the worker',
      {
        api: { enabled: true, replicas: 3, ...pods, flags: { streams: 7 } },
        worker: { ...pods, flags: { 'webhook-allow-http': true } },
      },
    ],
    [
      'isolation checks',
      {
        image: { pullSecrets: [{ name: 'r' }] },
        isolationVerify: { enabled: true, serviceAccount: { annotations: { 'example.org/role': 'x' } } },
      },
    ],
    ['no definitions', { crds: { install: false } }],
    ['other Secrets', { side: 'management', superKubeconfig: { managerSecret: 'a', syncerSecret: 'true' }, logLevel: 'info' }],
    ['sessions by kubelet in super', { side: 'super', vnAgent: { via: 'kubelet' } }],
  ])('is the same by the chart and berth install with %s', async ([, values]) => {
    const ours = byId(await objectsOf(installValues(values, 'test')))
    expect(byId((await template(values, '--no-hooks')).map(withoutKeep))).toEqual(ours)
    expect(ours).not.toEqual(byId(await objectsOf(installValues({}, 'test'))))
  })
})

describe('the chart', () => {
  test.for(['both', 'management', 'super'])('has nothing for helm lint to say, side %s', async (side) => {
    const output = await run(helm, ['lint', '--strict', chart, '--set', `side=${side}`], { env: env() })
    expect(output).toContain('1 chart(s) linted, 0 chart(s) failed')
    expect(output).not.toMatch(/WARNING|ERROR/)
  })

  test.for<[name: string, set: string, words: RegExp]>([
    ['a name that is none', 'mangaer.replicas=2', /mangaer/],
    ['a flag that is none', 'manager.flags.nosuch=2', /nosuch/],
    ['no replicas', 'manager.replicas=0', /replicas/],
    ['text for a number', 'manager.replicas=many', /replicas/],
    ['a side that is none', 'side=left', /side/],
  ])('refuses %s', async ([, set, words]) => {
    const { ok, output } = await attempt(helm, ['template', 'berth', chart, '--set', set], { env: env() })
    expect(ok).toBe(false)
    expect(output).toMatch(words)
  })

  test('asks before an uninstall, as the manager, with the image of the installation', async () => {
    const [hook, ...more] = (await template({ image: { tag: 'v9' } })).filter(
      ({ metadata }) => metadata.annotations?.['helm.sh/hook'],
    )
    expect(more).toEqual([])
    if (!hook) throw new Error('the chart has no hook')
    expect(typeOf(hook).plural).toBe('jobs')
    expect(hook.metadata.annotations?.['helm.sh/hook']).toBe('pre-delete')
    const { serviceAccountName, containers } = hook['spec'].template.spec
    expect(serviceAccountName).toBe('berth-manager')
    expect(containers[0].image).toBe('ghcr.io/berth-dev/berth:v9')
    expect(containers[0].command.slice(-4)).toEqual(['uninstall', '--check', '--side', 'both'])
  })
})
