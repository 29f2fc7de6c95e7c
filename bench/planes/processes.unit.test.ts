import { describe, expect, test } from 'vitest'
import { byProgram, cpuSecondsOf, memoryOf, type ProcessUse, podUidOf } from './processes.ts'

const uid = 'e7b6399d-0eb7-4204-8392-0026dcf35c50'

describe('the pod of a process', () => {
  test.for<[name: string, cgroup: string, wanted: string | undefined]>([
    ['cgroup v1', `9:name=systemd:/\n8:pids:/berth0/node1/kubepods/burstable/pod${uid}/8a72df69\n0::/`, uid],
    ['cgroup v2', `0::/berth0/node1/kubepods/besteffort/pod${uid}/8a72df69`, uid],
    ['the systemd driver', `0::/kubepods.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice/cri-8a.scope`, uid],
    ['no pod', '0::/system.slice/sshd.service', undefined],
    ['a file that is gone', '', undefined],
  ])('%s', ([, cgroup, wanted]) => expect(podUidOf(cgroup)).toBe(wanted))
})

test('CPU is found behind a command with brackets and blanks', () => {
  expect(cpuSecondsOf('42 (a (b) c) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 7 7 20 0 9 0 100')).toBe(2)
})

test('memory is read in KiB', () => {
  const rollup = [
    '00400000-7ffd ---p 00000000 00:00 0    [rollup]',
    'Rss:              300 kB',
    'Pss:              200 kB',
    'Pss_Anon:         100 kB',
    'Anonymous:        100 kB',
  ].join('\n')
  expect(memoryOf(rollup)).toEqual({ resident: 307_200, proportional: 204_800, anonymous: 102_400 })
})

test('processes of the same program are added up', () => {
  const process = (program: string, resident: number): ProcessUse => ({
    podUid: uid,
    program,
    cpuSeconds: 1,
    memory: { resident, proportional: 2, anonymous: 1 },
  })
  const programs = byProgram([process('coredns', 10), process('etcd', 5), process('coredns', 20)])
  expect([...programs.keys()]).toEqual(['coredns', 'etcd'])
  expect(programs.get('coredns')).toEqual({ resident: 30, proportional: 4, anonymous: 2, cpuSeconds: 2 })
})
