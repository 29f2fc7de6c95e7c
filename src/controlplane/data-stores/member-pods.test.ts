import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { isHeldByVolume, isOnGoneNodes, memberPods } from './member-pods.ts'

const pod = (ordinal: number, status: object, metadata: object = {}): KubeObject => ({
  metadata: { name: `etcd-${ordinal}`, ...metadata },
  status,
})
const now = new Date('2026-01-01T00:01:00Z')
const ready = { conditions: [{ type: 'Ready', status: 'True' }] }
const noData = 'cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs'
const fatal = (error: string) => JSON.stringify({ level: 'fatal', msg: 'discovery failed', error })
const ended = (message: string) => ({ containerStatuses: [{ state: { waiting: {} }, lastState: { terminated: { message } } }] })

test.for<[name: string, status: object, metadata: object, seen: object]>([
  ['serves', ready, {}, { isReady: true, loss: undefined }],
  ['is on its way out', ready, { deletionTimestamp: '2026-01-01T00:00:00Z' }, { isReady: false }],
  ['crashed for another reason', ended('{"level":"fatal","msg":"panic"}'), {}, { isReady: false, loss: undefined }],
  ['has no data', ended(`half a line"}\n${fatal(noData)}`), {}, { loss: 'emptied' }],
  [
    'quotes a tenant that says so',
    ended(`{"level":"warn","msg":"slow","key":"${noData}"}\n${fatal('disk is full')}`),
    {},
    { loss: undefined },
  ],
  [
    'had no data when it started first, and runs now',
    { containerStatuses: [{ state: { running: {} }, lastState: { terminated: { message: fatal(noData) } } }] },
    {},
    { isReady: false, loss: undefined },
  ],
  ['was taken out', ended(fatal('the member has been permanently removed from the cluster')), {}, { loss: 'removed' }],
  [
    'said so once, has run since then and ends for good',
    { containerStatuses: [{ state: { terminated: { exitCode: 0 } }, lastState: { terminated: { message: fatal(noData) } } }] },
    {},
    { loss: undefined, isEmpty: false },
  ],
  [
    'has no data and is on its way out',
    ended(fatal(noData)),
    { deletionTimestamp: '2026-01-01T00:00:00Z' },
    { loss: undefined, isEmpty: false },
  ],
  ['ends again and again', { containerStatuses: [{ restartCount: 3, state: { waiting: {} } }] }, {}, { isStuck: true }],
  ['was just made', {}, { creationTimestamp: '2026-01-01T00:00:50Z' }, { isYoung: true }],
  ['was made a while ago', {}, { creationTimestamp: '2026-01-01T00:00:40Z' }, { isYoung: false }],
])('a member that %s', ([, status, metadata, seen]) => {
  expect(memberPods([pod(1, status, metadata)], { lostVolumes: new Set(), now }).get(1)).toMatchObject(seen)
})

test('a lost volume counts before all words', () => {
  expect(memberPods([pod(2, ended('x'))], { lostVolumes: new Set([2]), now }).get(2)?.loss).toBe('volume')
})

describe('volumes', () => {
  test.for<[message: string, is: boolean]>([
    ["0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.", true],
    ['0/2 nodes are available: 2 Insufficient cpu.', false],
  ])('%s', ([message, is]) => {
    expect(isHeldByVolume(pod(0, { conditions: [{ type: 'PodScheduled', status: 'False', message }] }))).toBe(is)
  })

  const nodes = [{ metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'host-1' } } }, { metadata: { name: 'n2' } }]
  const on = (...values: string[]): KubeObject => ({
    metadata: { name: 'v' },
    spec: {
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }] },
      },
    },
  })
  test.for<[name: string, volume: KubeObject, gone: boolean]>([
    ['by the label of its node', on('host-1'), false],
    ['by a name', on('n2'), false],
    ['one of two', on('gone', 'n2'), false],
    ['gone', on('gone'), true],
    ['anywhere', { metadata: { name: 'v' }, spec: {} }, false],
  ])('%s', ([, volume, gone]) => {
    expect(isOnGoneNodes(volume, nodes)).toBe(gone)
  })
})
