import { describe, expect, test } from 'vitest'
import { aTenantPod } from '../../testing/sync-builders.ts'
import { addedContainers, isAboutAddedContainer, keptEnds, knownStatuses, withoutContainers } from './known-containers.ts'
import type { Pod } from './pod.ts'

const added = new Set(['mesh', 'fitting'])

describe('withoutContainers', () => {
  test.for<[name: string, condition: object, wanted: object]>([
    [
      'leaves what names only known containers',
      { type: 'Ready', status: 'False', message: 'containers with unready status: [main]' },
      { type: 'Ready', status: 'False', message: 'containers with unready status: [main]' },
    ],
    [
      'leaves out the others',
      { type: 'Ready', status: 'False', message: 'containers with unready status: [main mesh]' },
      { type: 'Ready', status: 'False', message: 'containers with unready status: [main]' },
    ],
    [
      'leaves out a clause that says nothing more',
      {
        type: 'Initialized',
        status: 'False',
        reason: 'ContainersNotInitialized',
        message: 'containers with unknown status: [fitting], containers with incomplete status: [fitting first]',
      },
      {
        type: 'Initialized',
        status: 'False',
        reason: 'ContainersNotInitialized',
        message: 'containers with incomplete status: [first]',
      },
    ],
    [
      'says Initialized when nothing else is waited for',
      {
        type: 'Initialized',
        status: 'False',
        reason: 'ContainersNotInitialized',
        message: 'containers with incomplete status: [fitting]',
      },
      { type: 'Initialized', status: 'True' },
    ],
    [
      'keeps a pod unready that an added container holds up',
      { type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [mesh]' },
      { type: 'Ready', status: 'False', reason: 'ContainersNotReady' },
    ],
  ])('%s', ([, condition, wanted]) => {
    expect(withoutContainers(condition as Parameters<typeof withoutContainers>[0], added)).toEqual(wanted)
  })
})

test('addedContainers are those of all lists that the tenant has not', () => {
  const tenantPod = aTenantPod() as Pod
  const superPod = aTenantPod({ initContainers: [{ name: 'fitting' }], containers: [{ name: 'main' }, { name: 'mesh' }] }) as Pod
  expect([...addedContainers(superPod, tenantPod)]).toEqual(['fitting', 'mesh'])
})

describe('knownStatuses', () => {
  const mounts = [
    { name: 'data', mountPath: '/data', readOnly: false },
    { name: 'fitting', mountPath: '/etc/hosts', readOnly: false },
  ]
  const status = {
    name: 'main',
    image: 'web:1',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: { waiting: { reason: 'PodInitializing' } },
    volumeMounts: mounts,
  }
  const container = { name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data' }] }

  test('leaves out mounts and containers that were added, and waiting for them', () => {
    expect(knownStatuses([status, { ...status, name: 'mesh' }], [container], { hasInit: false })).toEqual([
      { ...status, state: { waiting: { reason: 'ContainerCreating' } }, volumeMounts: [mounts[0]] },
    ])
  })

  test("waiting for the tenant's own init containers is told", () => {
    expect(knownStatuses([status], [container], { hasInit: true })?.[0]?.state).toEqual(status.state)
  })
})

describe('keptEnds', () => {
  const ended = (exitCode: number) => ({ ...status('main'), state: { terminated: { exitCode } } })
  const status = (name: string) => ({ name, image: 'web:1', imageID: '', ready: false, restartCount: 0 })
  const again = { ...status('main'), state: { running: {} } }
  test.for<[name: string, podPolicy: string, container: object, exitCode: number, keeps: boolean]>([
    ['is kept in a pod that never restarts', 'Never', {}, 1, true],
    ['is kept when it went well', 'OnFailure', {}, 0, true],
    ['is over when its failure is tried again', 'OnFailure', {}, 1, false],
    ['is over in a pod that always restarts', 'Always', {}, 0, false],
    ['is over for a sidecar', 'Never', { restartPolicy: 'Always' }, 0, false],
    ['is kept for a container that never restarts by itself', 'Always', { restartPolicy: 'Never' }, 1, true],
    ['is over where rules decide', 'Never', { restartPolicyRules: [{ action: 'Restart' }] }, 1, false],
  ])('an end %s', ([, podPolicy, container, exitCode, keeps]) => {
    const pod = aTenantPod({ containers: [{ name: 'main', ...container }], restartPolicy: podPolicy }) as Pod
    const kept = keptEnds([again], [ended(exitCode)], pod)
    expect(kept).toEqual([keeps ? ended(exitCode) : again])
    // Another end takes its place.
    expect(keptEnds([ended(7)], [ended(exitCode)], pod)).toEqual([ended(7)])
  })
})

test.for<[fieldPath: string | undefined, added: boolean]>([
  ['spec.containers{main}', false],
  ['spec.containers{mesh}', true],
  ['spec.initContainers{fitting}', true],
  [undefined, false],
  ['spec', false],
])('an Event at %s is about an added container: %s', ([fieldPath, expected]) => {
  expect(isAboutAddedContainer(fieldPath, aTenantPod() as Pod)).toBe(expected)
})
