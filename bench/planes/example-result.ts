import type { CreationsAndDeletions, PlanesResult, Rest } from './results.ts'

/** A look at rest: two programs of 260 MiB together, and a manager of this size. */
export const aRest = (tenants: number, managerMiB: number): Rest => {
  const program = { residentMiB: 130, proportionalMiB: 90, anonymousMiB: 60, milliCores: 4 }
  const daemon = { residentMiB: managerMiB, heapMiB: managerMiB / 2, milliCores: 1 }
  return { tenants, manager: daemon, syncer: daemon, programs: { 'kube-apiserver': program, etcd: program } }
}

/** Tenants that took so many seconds, and went in so many. */
export const made = (seconds: readonly number[], deletions: readonly number[]): CreationsAndDeletions => ({
  creations: seconds.map((each) => ({ seconds: each, phases: { Ready: each - 0.1, DataStoreReady: 2 } })),
  deletions,
})

/** The result of a run with 20 tenants, 5 at once, on a machine where a bare start takes 2 s. */
export const aResult = (parts: Partial<PlanesResult>): PlanesResult => ({
  date: '2026-11-22T11:00:00.000Z',
  commit: 'abc1234',
  machine: { cpu: 'CPU', cores: 2, memoryGb: 24, kernel: '6.18', node: 'v24', loadBefore: 0.5 },
  options: {
    cluster: 'bench',
    tenants: 20,
    atOnce: 5,
    restSeconds: 20,
    calls: 200,
    burst: 10_000,
    stages: ['one-by-one'],
    keep: false,
  },
  bareStartSeconds: 2,
  failures: [],
  ...parts,
})
