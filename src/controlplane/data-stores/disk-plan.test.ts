import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { type Disk, type DiskPlan, type DiskView, disksIn, planDisks, smallestSize, templateSize } from './disk-plan.ts'

const disk = (ordinal: number, asked: string, capacity: string | undefined = asked, more: Partial<Disk> = {}): Disk => ({
  name: `data-etcd-${ordinal}`,
  uid: `uid-${ordinal}`,
  className: 'fast',
  isBound: true,
  asked,
  capacity,
  work: undefined,
  ...more,
})
const view = (more: Partial<DiskView>): DiskView =>
  frozen({
    wanted: '2Gi',
    noted: '2Gi',
    storage: 'claim',
    disks: [disk(0, '2Gi')],
    classes: new Map([['fast', true]]),
    template: '2Gi',
    ...more,
  })
const stuck = { work: { text: 'no room', isStuck: true } }

interface Seen extends Partial<Omit<DiskPlan, 'refusal' | 'progress' | 'ask'>> {
  readonly asked?: readonly string[]
  readonly refusal?: RegExp
  readonly progress?: RegExp
}

describe('disks', () => {
  test.for<[name: string, given: Partial<DiskView>, wanted: Seen]>([
    ['that are as wanted need nothing', {}, {}],
    ['of the same size in other words need nothing', { wanted: '2048Mi' }, {}],
    ['that are being made are not told of', { disks: [disk(0, '2Gi', undefined, { isBound: false, capacity: undefined })] }, {}],
    [
      'of a member that comes later, or is replaced: it is being made, and does not grow',
      {
        wanted: '10Gi',
        noted: '10Gi',
        disks: [disk(0, '10Gi'), disk(1, '10240Mi', undefined, { isBound: false, capacity: undefined })],
        template: '10Gi',
      },
      {},
    ],
    [
      'of a member that is being made while others grow: it is not counted as there',
      {
        wanted: '10Gi',
        noted: '10Gi',
        disks: [disk(0, '10Gi', '2Gi'), disk(1, '10Gi', undefined, { isBound: false, capacity: undefined })],
        template: '10Gi',
      },
      { progress: /^0 of 2 members have 10Gi; data-etcd-0: its driver has not begun[^;]*; it needs an external-resizer$/ },
    ],
    ['that are to grow: noted first, and nothing is done yet', { wanted: '10Gi' }, { note: '10Gi' }],
    [
      'that are noted to grow: the volumes are asked for it, and what makes new ones is brought along',
      { wanted: '10Gi', noted: '10Gi', disks: [disk(0, '2Gi'), disk(1, '2Gi')] },
      {
        asked: ['data-etcd-0', 'data-etcd-1'],
        remake: true,
        progress: /^0 of 2 members have 10Gi; data-etcd-0 is asked for; data/,
      },
    ],
    [
      'that are asked for already are not asked again',
      { wanted: '10Gi', noted: '10Gi', disks: [disk(0, '10Gi', '2Gi')], template: '10Gi' },
      { progress: /^0 of 1 members have 10Gi; data-etcd-0: its driver has not begun/ },
    ],
    [
      'that have come in part',
      { wanted: '10Gi', noted: '10Gi', disks: [disk(0, '10Gi'), disk(1, '10Gi', '2Gi', stuck)], template: '10Gi' },
      { progress: /^1 of 2 members have 10Gi; data-etcd-1: no room$/, isStuck: true },
    ],
    [
      'that have got more than was asked for need nothing',
      { wanted: '10Gi', noted: '10Gi', disks: [disk(0, '10Gi', '16Gi')], template: '10Gi' },
      {},
    ],
    [
      'without a volume behind them yet: it is asked for when there is one',
      { wanted: '10Gi', noted: '10Gi', disks: [disk(0, '2Gi', undefined, { isBound: false, capacity: undefined })] },
      { remake: true, progress: /data-etcd-0 has no volume yet/ },
    ],
    [
      'whose StatefulSet was taken away to be made anew: it is not taken away again',
      { wanted: '10Gi', noted: '10Gi', disks: [disk(0, '10Gi')], template: undefined },
      {},
    ],
    [
      'that grow again before they have grown',
      { wanted: '20Gi', noted: '10Gi', disks: [disk(0, '10Gi', '2Gi')] },
      {
        note: '20Gi',
        remake: true,
        progress: /0 of 1 members have 10Gi/,
      },
    ],
    [
      'of a class that does not let them grow are refused once and for all',
      { wanted: '10Gi', classes: new Map([['fast', false]]) },
      {
        refusal:
          /10Gi is not carried out: storage class fast of data-etcd-0 does not let volumes grow.*Set storageSize back to 2Gi/,
      },
    ],
    [
      'of a class that is gone',
      { wanted: '10Gi', classes: new Map([['fast', undefined]]) },
      { refusal: /class fast .* is gone/ },
    ],
    [
      'of no class',
      { wanted: '10Gi', disks: [disk(0, '2Gi', '2Gi', { className: undefined })] },
      { refusal: /of no storage class/ },
    ],
    [
      'one of which cannot grow: none does',
      { wanted: '10Gi', disks: [disk(0, '2Gi'), disk(1, '2Gi', '2Gi', { className: 'slow' })] },
      { refusal: /of data-etcd-1|slow/ },
    ],
    ['that are to shrink', { wanted: '1Gi' }, { refusal: /a disk of 2Gi never shrinks/ }],
    [
      'that are to shrink while they grow: they go on growing',
      { wanted: '5Gi', noted: '10Gi', disks: [disk(0, '2Gi')] },
      { refusal: /never shrinks/, asked: ['data-etcd-0'], remake: true, progress: /0 of 1/ },
    ],
    ['in emptyDirs', { storage: 'ephemeral', wanted: '10Gi', disks: [], template: undefined }, { refusal: /emptyDirs/ }],
    ['in emptyDirs, smaller', { storage: 'ephemeral', wanted: '1Gi', disks: [], template: undefined }, { refusal: /emptyDirs/ }],
    ['elsewhere', { storage: 'elsewhere', wanted: '10Gi', disks: [], template: undefined }, {}],
  ])('%s', ([, given, { asked = [], refusal, progress, ...rest }]) => {
    const { ask, refusal: said, progress: told, ...plan } = planDisks(view(given))
    expect(ask.map(({ name }) => name)).toEqual(asked)
    expect(plan).toEqual({ remake: false, isStuck: false, ...rest })
    if (refusal) expect(said).toMatch(refusal)
    else expect(said).toBeUndefined()
    if (progress) expect(told).toMatch(progress)
    else expect(told).toBeUndefined()
  })
})

const claim = (status: object, metadata: object = {}): KubeObject => ({
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data-etcd-0', uid: 'u', ...metadata },
  spec: { storageClassName: 'fast', resources: { requests: { storage: '10Gi' } } },
  status: { phase: 'Bound', capacity: { storage: '2Gi' }, ...status },
})

test.for<[name: string, status: object, work: { text: RegExp; isStuck: boolean } | undefined]>([
  ['nothing', {}, undefined],
  ['at work', { conditions: [{ type: 'Resizing', status: 'True' }] }, { text: /at it/, isStuck: false }],
  ['no more', { conditions: [{ type: 'Resizing', status: 'False' }] }, undefined],
  [
    'for the node to do',
    { conditions: [{ type: 'FileSystemResizePending', status: 'True' }] },
    { text: /file system/, isStuck: false },
  ],
  ['in progress', { allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } }, { text: /at it/, isStuck: false }],
  [
    'infeasible',
    { allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } },
    { text: /cannot provide/, isStuck: true },
  ],
  [
    'an error',
    { conditions: [{ type: 'ControllerResizeError', status: 'True', message: 'quota of the pool' }] },
    { text: /failed: quota of the pool\. .*mended/, isStuck: true },
  ],
])('what Kubernetes says of a volume that grows: %s', ([, status, work]) => {
  const [seen] = disksIn([frozen(claim(status))])
  expect(seen).toMatchObject({ asked: '10Gi', capacity: '2Gi', isBound: true, className: 'fast' })
  if (work) expect(seen?.work).toEqual({ text: expect.stringMatching(work.text), isStuck: work.isStuck })
  else expect(seen?.work).toBeUndefined()
})

test('a volume that is on its way out, and one that is no member, are nobody of the disks', () => {
  const others = [claim({}, { deletionTimestamp: 'now' }), claim({}, { name: 'scratch' }), { ...claim({}), kind: 'ConfigMap' }]
  expect(disksIn(others)).toEqual([])
})

test('every member can write what the smallest disk has', () => {
  expect(smallestSize([disk(0, '10Gi'), disk(1, '10Gi', '2Gi'), disk(2, '10Gi', undefined)], '10Gi')).toBe('2Gi')
  expect(smallestSize([disk(0, '10Gi', '16Gi')], '10Gi')).toBe('10Gi')
  expect(smallestSize([], '10Gi')).toBe('10Gi')
})

test('what makes new volumes is not asked of a StatefulSet that goes', () => {
  const volumeClaimTemplates = [{ spec: { resources: { requests: { storage: '2Gi' } } } }]
  const workload = (metadata: object) => ({ kind: 'StatefulSet', metadata, spec: { volumeClaimTemplates } })
  expect(templateSize(workload({}))).toBe('2Gi')
  expect(templateSize(workload({ deletionTimestamp: 'now' }))).toBeUndefined()
  expect(templateSize(undefined)).toBeUndefined()
})
