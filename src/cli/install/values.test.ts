import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { hasCode } from '../../lib/errors.ts'
import { imageOf, installValues, mergeValues, parseValues, valuesSchema } from './values.ts'

const root = join(import.meta.dirname, '../../..')
const faultOf = (given: unknown): string => {
  try {
    installValues(given, 'values.yaml')
  } catch (error) {
    if (hasCode(error, 'CONFIG_INVALID')) return error.message
  }
  return 'taken'
}

describe('values of an installation', () => {
  test('have in values.yaml of the chart just their defaults', async () => {
    const written = parse(await readFile(join(root, 'charts/berth/values.yaml'), 'utf8')) as unknown
    expect(written).toEqual(installValues({}, 'defaults'))
  })

  test.for<[name: string, given: unknown, fault: RegExp]>([
    ['an unknown name', { mangaer: {} }, /values.yaml: values: .*mangaer/],
    ['an unknown flag', { manager: { flags: { 'no-such': 1 } } }, /manager\.flags: .*no-such/],
    ['no replicas', { syncer: { replicas: 0 } }, /syncer\.replicas/],
    ['an unknown side', { side: 'left' }, /side/],
    ['an argument that is no flag', { syncer: { extraArgs: ['x'] } }, /extraArgs\.0: a flag with its value/],
    ['a digest that is none', { image: { digest: 'latest' } }, /image\.digest/],
    ['two at once', { side: 'left', logLevel: 'loud' }, /side: .*; logLevel: /],
    ['a list', [], /values/],
  ])('refuse %s', ([, given, fault]) => {
    expect(faultOf(given)).toMatch(fault)
  })

  test('lie over the defaults key by key, and null takes one away', () => {
    const { resources } = installValues({ manager: { resources: { requests: { cpu: 1 }, limits: null } } }, 'test').manager
    expect(resources).toEqual({ requests: { cpu: 1, memory: '128Mi' } })
  })

  test('say where the text is no YAML', () => {
    expect(() => parseValues('a: [', 'mine.yaml')).toThrow(/^mine\.yaml is not YAML/)
    expect(parseValues('', 'mine.yaml')).toBeNull()
  })

  test.for<[below: unknown, above: unknown, wanted: unknown]>([
    [{ a: { b: 1, c: 2 } }, { a: { b: 3 } }, { a: { b: 3, c: 2 } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{ a: 1 }, undefined, { a: 1 }],
    [{ a: { b: 1, c: 2 } }, { a: { b: null } }, { a: { c: 2 } }],
    [{ a: 1 }, { b: { c: 1 } }, { a: 1, b: { c: 1 } }],
  ])('%j under %j is %j', ([below, above, wanted]) => {
    expect(mergeValues(below, above)).toEqual(wanted)
  })

  test.for<[reference: string, wanted: ReturnType<typeof imageOf>]>([
    ['berth', { repository: 'berth' }],
    ['registry.example.org:5000/berth', { repository: 'registry.example.org:5000/berth' }],
    ['registry.example.org:5000/berth:v1', { repository: 'registry.example.org:5000/berth', tag: 'v1' }],
    ['ghcr.io/a/berth@sha256:12', { repository: 'ghcr.io/a/berth', digest: 'sha256:12' }],
    ['ghcr.io/a/berth:v1@sha256:12', { repository: 'ghcr.io/a/berth', tag: 'v1', digest: 'sha256:12' }],
  ])('%s as an image is %j', ([reference, wanted]) => {
    expect(imageOf(reference)).toEqual(wanted)
  })
})

/** Flags that the manifests, or other values, set. */
const setOtherwise: Readonly<Record<string, readonly string[]>> = {
  manager: ['log-level', 'kubeconfig', 'image', 'super-kubeconfig', 'identity', 'health-port', 'webhook-port'],
  syncer: ['log-level', 'kubeconfig', 'image', 'super-kubeconfig', 'identity', 'health-port'],
  'vn-agent': [
    'log-level',
    'kubeconfig',
    'port',
    'host',
    'health-port',
    'health-host',
    'cert-file',
    'key-file',
    'client-ca-file',
    'node-name',
    'kubelet-address',
    'via',
  ],
}

describe('flags of a process', () => {
  test.for(['manager', 'syncer', 'vn-agent'] as const)('of %s are values, or set otherwise', async (name) => {
    const program = join(root, `src/bin/${name}.ts`)
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--help'], { timeout: 30_000 })
    const flags = [...stdout.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, flag = '']) => flag)
    const { properties } = valuesSchema() as { properties: Record<string, { properties: { flags: { properties?: object } } }> }
    const part = properties[name === 'vn-agent' ? 'vnAgent' : name]
    const values = Object.keys(part?.properties.flags.properties ?? {})
    expect([...values, ...(setOtherwise[name] ?? [])].toSorted()).toEqual(flags.toSorted())
  })
})
