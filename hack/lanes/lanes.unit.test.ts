import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { clusterPlan } from '../cluster/plan.ts'
import type { ProviderName } from '../cluster/provider.ts'
import { silent } from '../progress.ts'
import seconds from './e2e-seconds.json' with { type: 'json' }
import { laneClusters, laneCount, longestFirst } from './plan.ts'
import { type Job, runLanes } from './run.ts'
import { failureLines, onePassed, type Tally, tallyOfReport } from './tally.ts'

describe('laneCount', () => {
  test.for<[name: string, asked: string | undefined, provider: ProviderName, memoryGiB: number, lanes: number]>([
    ['two on a machine with memory for two', undefined, 'local', 23.5, 2],
    ['no more than two on a large one', undefined, 'local', 512, 2],
    ['one on a small one', undefined, 'local', 15.6, 1],
    ['one on a tiny one', undefined, 'local', 4, 1],
    ['as many as are asked for', '3', 'local', 4, 3],
    ['one with kind, whose clusters share Service range and route', undefined, 'kind', 512, 1],
    ['one with kind, whatever is asked for', '2', 'kind', 64, 1],
    ['one when the cluster is somebody else’s', '2', 'existing', 64, 1],
  ])('%s', ([, asked, provider, memoryGiB, lanes]) => {
    expect(laneCount({ asked, provider, memoryGiB })).toBe(lanes)
  })

  test.for(['0', 'two', '1.5', '-1', ''])('refuses LANES=%s', (asked) => {
    expect(() => laneCount({ asked, provider: 'local', memoryGiB: 8 })).toThrow('LANES')
  })
})

test('the first lane is the test cluster, and the others have names that clusters may have', () => {
  expect(laneClusters('test', 3)).toEqual(['test', 'test-2', 'test-3'])
  for (const name of laneClusters('test', 9)) expect(() => clusterPlan({ name, index: 0, nodes: 2, baseDir: '/x' })).not.toThrow()
})

test('files are taken longest first, those never timed before all', () => {
  expect(longestFirst(['b', 'a', 'long', 'new', 'newer'], { a: 1, b: 1, long: 9 })).toEqual(['new', 'newer', 'long', 'a', 'b'])
})

test('every file that has a time is there', () => {
  const gone = Object.keys(seconds).filter((file) => !existsSync(join(import.meta.dirname, '../..', file)))
  expect(gone, 'take it out of hack/lanes/e2e-seconds.json').toEqual([])
})

describe('tallyOfReport', () => {
  const broke = (passed: number): Tally => ({ passed, failed: 1, failures: ['unit: broke outside of its tests'] })

  test.for<[name: string, report: string | undefined, ok: boolean, tally: Tally]>([
    ['a good run', '{"numPassedTests":7,"numFailedTests":0}', true, { passed: 7, failed: 0, failures: [] }],
    [
      'failed tests, once each, by file and name',
      JSON.stringify({
        numPassedTests: 7,
        numFailedTests: 2,
        testResults: [
          { name: '/src/a.test.ts', assertionResults: [{ status: 'failed', fullName: 'adds up' }, { status: 'passed' }] },
          { name: '/src/b.test.ts', assertionResults: [{ status: 'failed', fullName: 'takes away' }] },
        ],
      }),
      false,
      { passed: 7, failed: 2, failures: ['a.test.ts: adds up', 'b.test.ts: takes away'] },
    ],
    ['a set-up that broke', '{"numPassedTests":0,"numFailedTests":0}', false, broke(0)],
    ['an error outside of tests', '{"numPassedTests":7,"numFailedTests":0}', false, broke(7)],
    ['nothing that was run', '{"numPassedTests":0,"numFailedTests":0}', true, broke(0)],
    [
      'tests that were all skipped',
      '{"numTotalTests":2,"numPassedTests":0,"numFailedTests":0,"numPendingTests":2}',
      true,
      { passed: 0, failed: 0, failures: [] },
    ],
    [
      'skipped tests of a run that broke',
      '{"numTotalTests":2,"numPassedTests":0,"numFailedTests":0,"numPendingTests":2}',
      false,
      broke(0),
    ],
    ['no tests at all', '{"numTotalTests":0,"numPassedTests":0,"numFailedTests":0,"numPendingTests":0}', true, broke(0)],
    ['no report', undefined, true, broke(0)],
    ['half a report', '{"numPassedTests":7,"numF', false, { passed: 0, failed: 1, failures: ['unit: left half a report'] }],
  ])('%s', ([, report, ok, tally]) => {
    expect(tallyOfReport('unit', report, ok)).toEqual(tally)
  })
})

test('the end of a run names what failed, up to a length that is read', () => {
  const failed = (count: number): Tally => ({
    passed: 1,
    failed: count,
    failures: Array.from({ length: count }, (_, index) => `test ${index}`),
  })
  expect(failureLines(failed(0))).toEqual([])
  expect(failureLines(failed(2))).toEqual(['FAILED  test 0', 'FAILED  test 1'])
  expect(failureLines(failed(40))).toHaveLength(40)
  expect(failureLines(failed(43)).slice(39)).toEqual(['FAILED  test 39', 'FAILED  and 3 more'])
})

describe('runLanes', () => {
  const world = (broken: readonly string[] = []) => {
    const stop = new AbortController()
    const seen: string[] = []
    const lanes = {
      clusters: ['one', 'two'],
      prepare: async (cluster: string) => {
        if (broken.includes(cluster)) throw new Error('no cluster')
        seen.push(`prepare ${cluster}`)
      },
      progress: silent,
      stop: stop.signal,
    }
    const job = (name: string, work: () => Promise<Tally> = async () => onePassed, suite = 'e2e'): Job => ({
      name,
      suite,
      run: async (cluster) => {
        seen.push(`${name} on ${cluster}`)
        return work()
      },
    })
    return { stop, seen, lanes, job }
  }

  test('a lane that is done takes the next job while the other still works', async () => {
    const { seen, lanes, job } = world()
    const long = Promise.withResolvers<Tally>()
    const jobs = [
      job('long', () => long.promise),
      job('a'),
      job('b'),
      job(
        'last',
        async () => {
          long.resolve({ passed: 5, failed: 1, failures: ['of long'] })
          return onePassed
        },
        'conformance',
      ),
    ]
    expect(await runLanes(jobs, lanes)).toEqual({
      e2e: { passed: 7, failed: 1, failures: ['of long'] },
      conformance: onePassed,
    })
    expect(seen).toEqual(['prepare one', 'prepare two', 'long on one', 'a on two', 'b on two', 'last on two'])
  })

  test('a job that breaks is one failure, and the lane goes on', async () => {
    const { lanes, job } = world()
    const jobs = [job('broken', () => Promise.reject(new Error('on purpose'))), job('a'), job('b')]
    expect(await runLanes(jobs, lanes)).toEqual({ e2e: { passed: 2, failed: 1, failures: ['broken'] } })
  })

  test('a lane that cannot be prepared is one failure, and the other does its work', async () => {
    const { lanes, job } = world(['one'])
    expect(await runLanes([job('a'), job('b')], lanes)).toEqual({
      e2e: { passed: 2, failed: 0, failures: [] },
      lanes: { passed: 0, failed: 1, failures: ['lane one'] },
    })
  })

  test('without any lane every job is a failure', async () => {
    const { lanes, job } = world(['one', 'two'])
    expect(await runLanes([job('a'), job('b')], lanes)).toEqual({
      e2e: { passed: 0, failed: 2, failures: ['a: not run', 'b: not run'] },
      lanes: { passed: 0, failed: 2, failures: ['lane one', 'lane two'] },
    })
  })

  test('a stop begins nothing more, and what was not run is a failure each', async () => {
    const { lanes, job, seen, stop } = world()
    const stopping = job('a', async () => {
      stop.abort()
      return onePassed
    })
    expect(await runLanes([stopping, job('b'), job('c')], { ...lanes, clusters: ['one'] })).toEqual({
      e2e: { passed: 1, failed: 2, failures: ['b: not run', 'c: not run'] },
    })
    expect(seen).toEqual(['prepare one', 'a on one'])
  })

  test('no lane is prepared that would have nothing to do', async () => {
    const { lanes, job, seen } = world()
    await runLanes([job('a')], lanes)
    expect(seen).toEqual(['prepare one', 'a on one'])
  })
})
