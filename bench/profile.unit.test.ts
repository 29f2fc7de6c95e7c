import { expect, test } from 'vitest'
import { programOf } from './cpu.ts'
import { topSelfTime } from './profile.ts'
import { parseSample } from './syncer.ts'

test('self time is added up by function, without idle time', () => {
  const frame = (functionName: string) => ({ functionName, url: 'file:///app/src/syncer/decide.ts', lineNumber: 41 })
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('decide') },
      { id: 2, callFrame: frame('decide') },
      { id: 3, callFrame: { functionName: '(garbage collector)', url: '', lineNumber: -1 } },
      { id: 4, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } },
    ],
    samples: [1, 2, 3, 4],
    timeDeltas: [1000, 2000, 1000, 50_000],
  }
  expect(topSelfTime(profile, 5)).toEqual([
    { function: 'decide src/syncer/decide.ts:42', ms: 3, share: 0.75 },
    { function: '(garbage collector)', ms: 1, share: 0.25 },
  ])
})

test.for<[comm: string, cmdline: string, wanted: string]>([
  ['MainThread', '/usr/local/bin/node\0/app/dist/bin/syncer.js\0', 'berth syncer'],
  ['kube-controller', '/bin/kube-controller-manager\0--use=x\0', 'kube-controller-manager'],
  ['kworker', '', 'kworker'],
])('%s of %j is %s', ([comm, cmdline, wanted]) => expect(programOf(comm, cmdline)).toBe(wanted))

test('a sample is read with and without labels', () => {
  const text =
    'process_cpu_seconds_total{process="syncer"} 1.5\nprocess_resident_memory_bytes 100\nnodejs_heap_size_used_bytes{process="syncer"} 7\n'
  expect(parseSample(text)).toEqual({ cpuSeconds: 1.5, residentBytes: 100, heapBytes: 7 })
  expect(() => parseSample('')).toThrow('process_cpu_seconds_total')
})
