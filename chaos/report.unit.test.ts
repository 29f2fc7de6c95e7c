import { describe, expect, test } from 'vitest'
import { machineFacts } from '../bench/results.ts'
import type { FaultRecord } from './lanes.ts'
import { type ChaosResult, isClean, reportOf } from './report.ts'

const fault: FaultRecord = {
  lane: 'planes',
  number: 1,
  action: 'kill',
  part: 'etcd',
  tenant: 'wide-1',
  pick: 0,
  forMs: 0,
  pauseMs: 0,
  atMs: 5,
  target: 'etcd-0',
  recoveredMs: 4_200,
}
const clean: ChaosResult = {
  date: '2026-01-02T03:04:05Z',
  commit: 'abc',
  machine: machineFacts(0),
  options: { cluster: 'chaos', minutes: 1, seed: 7, parts: ['etcd'], keep: false },
  seconds: 60,
  tenants: [
    {
      name: 'wide-1',
      shape: 'one of each',
      load: { acknowledged: 20, refused: 1, conflicts: 2, unknown: 3, longestGapMs: 1_500, longestGapEndMs: 9_000, words: {} },
    },
  ],
  faults: [fault],
  quiet: { seconds: 3, gaps: [] },
  verdicts: [{ name: 'wide-1', keys: 5, findings: [], differences: [], verify: { code: 0, output: '' } }],
}
const [verdict] = clean.verdicts
const withLoad = (load: object): ChaosResult => ({
  ...clean,
  tenants: clean.tenants.map((each) => ({ ...each, load: { ...each.load, ...load } })),
})

describe('a run', () => {
  test.for<[name: string, result: ChaosResult, wanted: boolean]>([
    ['with nothing found is clean', clean, true],
    ['without a fault proves nothing', { ...clean, faults: [] }, false],
    ['with hardly a write proves nothing', withLoad({ acknowledged: 19 }), false],
    ['with servers that are not there', withLoad({ words: { 'refused: KUBE_UNREACHABLE connect ECONNREFUSED': 9 } }), true],
    ...['INVALID', 'BAD_REQUEST', 'FORBIDDEN', 'UNAUTHORIZED'].map((code): [string, ChaosResult, boolean] => [
      `with writes refused as ${code}`,
      withLoad({ words: { [`refused: KUBE_${code} words`]: 1 } }),
      false,
    ]),
    [
      'with a fault that was not mended',
      { ...clean, faults: [{ ...fault, failure: 'etcd of wide-1 whole: not within' }] },
      false,
    ],
    ['that does not come to rest', { ...clean, quiet: { seconds: 300, gaps: ['node node1 is not Ready'] } }, false],
    [
      'with a lost write',
      {
        ...clean,
        verdicts: clean.verdicts.map((each) => ({ ...each, findings: [{ what: 'lost', object: 'a/b', detail: 'gone' }] })),
      },
      false,
    ],
    [
      'with a difference',
      { ...clean, verdicts: clean.verdicts.map((each) => ({ ...each, differences: ['a/b is left'] })) },
      false,
    ],
    [
      'with a verify that fails',
      { ...clean, verdicts: clean.verdicts.map((each) => ({ ...each, verify: { code: 1, output: 'differs' } })) },
      false,
    ],
  ])('%s', ([, result, wanted]) => expect(isClean(result)).toBe(wanted))

  test('is reported with figures, and with what was found', () => {
    expect(verdict).toBeDefined()
    expect(reportOf(clean)).toMatch(/kill etcd +1 +0 +4\.2 +4\.2/)
    expect(reportOf(clean)).toContain('no answered write was lost')
    expect(reportOf(withLoad({ acknowledged: 3 }))).toContain('wide-1: only 3 writes were answered, of at least 20')
    const bad = reportOf({ ...clean, quiet: { seconds: 300, gaps: ['node node1 is not Ready'] } })
    expect(bad).toContain('not quiet: node node1 is not Ready')
    expect(bad).toContain('SEED=7')
  })
})
