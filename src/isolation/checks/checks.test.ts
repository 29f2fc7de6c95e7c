import { describe, expect, test } from 'vitest'
import { isolationSpec } from '../../apis/isolation.ts'
import { isolationSettings } from '../../tenancy/isolation.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation, tenantObjectUidAnnotation } from '../../tenancy/marks.ts'
import { chooseChecks } from '../choose.ts'
import { namesIn } from './agent.ts'
import { checks } from './index.ts'
import { forgeries } from './marks.ts'
import { unlimited } from './quota.ts'

const excusedAt = (spec: object): readonly string[] => {
  const settings = isolationSettings(isolationSpec.parse(spec))
  return checks.filter(({ excused }) => excused?.(settings) !== undefined).map(({ id }) => id)
}

describe('checks', () => {
  test('are the 24 of the benchmarks, and ours', () => {
    expect(checks.filter(({ origin }) => origin !== 'berth')).toHaveLength(24)
    expect(checks.filter(({ origin }) => origin === 'pending')).toHaveLength(5)
  })

  test('have IDs that stand for one each', () => {
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length)
  })

  test('ours have BERTH in front, those of the benchmarks MTB', () => {
    for (const { id, origin } of checks) expect(id).toMatch(origin === 'berth' ? /^BERTH-/ : /^MTB-/)
  })

  test.for<[name: string, spec: object, excused: readonly string[]]>([
    ['restricted', { profile: 'restricted' }, []],
    ['sandboxed', { profile: 'sandboxed' }, []],
    [
      'baseline',
      {},
      [
        'MTB-PL1-BC-CPI-3',
        'MTB-PL1-BC-CPI-4',
        'MTB-PL1-BC-CPI-6',
        'MTB-PL1-CC-DI-1',
        'MTB-PL1-BC-HI-1-NODEPORT',
        'MTB-PL1-CC-FNS-1',
        'MTB-PL1-CC-FNS-2',
      ],
    ],
    [
      'baseline with settings that are as strict',
      {
        pods: { capabilities: [], runAsNonRoot: true, privilegeEscalation: false, pullAlways: true },
        serviceTypes: [],
        quota: { hard: { pods: '10' } },
      },
      [],
    ],
    ['restricted that may run images of the node', { profile: 'restricted', pods: { pullAlways: false } }, ['MTB-PL1-CC-DI-1']],
    ['restricted with any capability', { profile: 'restricted', pods: { capabilities: ['*'] } }, ['MTB-PL1-BC-CPI-3']],
  ])('do not apply at %s where the settings allow it on purpose', ([, spec, excused]) => {
    expect(excusedAt(spec)).toEqual(excused)
  })

  test('of hosts and networks apply to all but the privileged', () => {
    expect(excusedAt({ profile: 'privileged' })).toEqual(
      expect.arrayContaining([
        'MTB-PL1-BC-HI-1',
        'MTB-PL1-BC-HI-3',
        'MTB-PL1-BC-HI-4',
        'MTB-PL1-BC-HI-5',
        'MTB-PL1-BC-NI-1',
        'BERTH-NI-1',
      ]),
    )
  })
})

describe('chooseChecks', () => {
  const ids = (choice: Parameters<typeof chooseChecks>[1]) => chooseChecks(checks, choice).map(({ id }) => id)

  test('all without a word', () => {
    expect(chooseChecks(checks, {})).toEqual(checks)
  })

  test('skipping one of the two that share an ID upstream leaves the other', () => {
    expect(ids({ skip: ['MTB-PL1-BC-HI-1'] })).toContain('MTB-PL1-BC-HI-1-NODEPORT')
    expect(ids({ only: ['MTB-PL1-BC-HI-1'] })).toEqual(['MTB-PL1-BC-HI-1'])
  })

  test('an ID that no check has is told', () => {
    expect(() => ids({ skip: ['MTB-PL1-BC-HI-2'] })).toThrow('there is no check MTB-PL1-BC-HI-2')
  })

  test('no check at all is no pass', () => {
    expect(() => ids({ only: ['BERTH-HI-1'], skip: ['BERTH-HI-1'] })).toThrow('no check is left')
  })
})

describe('unlimited', () => {
  test.for<[wanted: string, keys: readonly string[], isLimited: boolean]>([
    ['cpu', ['requests.cpu'], true],
    ['cpu', ['limits.cpu'], true],
    ['memory', ['requests.cpu'], false],
    // As the benchmark's tool would have it, this limits ephemeral storage.
    ['ephemeral-storage', ['gold.storageclass.storage.k8s.io/requests.storage'], false],
    ['pods', ['count/pods'], true],
    ['services', ['services.nodeports'], false],
    ['pods', [], false],
  ])('%s by %j: %s', ([wanted, keys, isLimited]) => {
    expect(unlimited([wanted], keys)).toEqual(isLimited ? [] : [wanted])
  })
})

describe('namesIn', () => {
  test.for<[name: string, text: string, found: readonly string[]]>([
    ['a label of a metric', 'container_cpu{namespace="a",pod="theirs"} 1', ['theirs']],
    ['a field of JSON', '{"podRef": {"name": "theirs"}}', ['theirs']],
    ['a part of another name', 'container_cpu{pod="not-theirs"} 1', []],
    ['nothing of theirs', 'container_cpu{pod="mine"} 1', []],
  ])('%s', ([, text, found]) => {
    expect(namesIn(text, ['theirs', 'others'])).toEqual(found)
  })
})

describe('forgeries', () => {
  const tenantObject = { metadata: { namespace: 'a', name: 'b', uid: 'c' } }
  const marks = { [tenantNamespaceAnnotation]: 'a', [tenantNameAnnotation]: 'b', [tenantObjectUidAnnotation]: 'c' }

  test('none in what Berth wrote', () => {
    expect(forgeries({ metadata: { labels: { [tenantLabel]: 't' }, annotations: marks } }, tenantObject, 't')).toEqual([])
  })

  test("each mark that is not Berth's", () => {
    const annotations = { ...marks, [tenantNamespaceAnnotation]: 'kube-system', 'berth.dev/wanted-hash': 'forged' }
    expect(forgeries({ metadata: { labels: { [tenantLabel]: 'other' }, annotations } }, tenantObject, 't')).toEqual([
      tenantLabel,
      tenantNamespaceAnnotation,
      'berth.dev/wanted-hash',
    ])
  })

  test('what the tenant named itself is its own', () => {
    const labels = { [tenantLabel]: 't', 'example.com/a': 'forged' }
    expect(forgeries({ metadata: { labels, annotations: marks } }, tenantObject, 't')).toEqual([])
  })
})
