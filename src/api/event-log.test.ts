import { describe, expect, test } from 'vitest'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { createEventLog, eventOf } from './event-log.ts'

const plane = (resourceVersion: string, ready = false): TenantControlPlane =>
  ({
    metadata: { name: 'a', namespace: 'acme', uid: 'u', resourceVersion },
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', reason: 'x', message: '', lastTransitionTime: '' }],
    },
  }) as unknown as TenantControlPlane

describe('eventOf', () => {
  test.for<[name: string, given: Parameters<typeof eventOf>, wanted: object]>([
    ['a new tenant', ['added', plane('5'), undefined, '5'], { kind: 'tenant.changed', id: '5' }],
    ['one that becomes ready', ['updated', plane('6', true), plane('5'), '6'], { kind: 'tenant.ready', id: '6' }],
    ['one that stays ready', ['updated', plane('7', true), plane('6', true), '7'], { kind: 'tenant.changed', id: '7' }],
    ['one that goes', ['deleted', plane('8'), plane('7'), '8'], { kind: 'tenant.deleted', id: '8' }],
    ['one that was found to be gone', ['deleted', plane('8'), plane('8'), '30'], { kind: 'tenant.deleted', id: '30' }],
  ])('%s', ([, given, wanted]) => {
    expect(eventOf(...given)).toMatchObject({ ...wanted, organization: 'acme' })
  })
})

describe('createEventLog', () => {
  const event = (id: string, organization = 'acme') => ({ ...eventOf('added', plane(id), undefined, id), organization })
  const ids = (size: number, after: string) => {
    const log = createEventLog({ size, since: '10' })
    for (const each of [event('11'), event('12', 'umbrella'), event('13')]) log.add(each)
    return log.after('acme', after)?.map(({ id }) => id)
  }

  test.for<[name: string, size: number, after: string, ids: readonly string[] | undefined]>([
    ['all since it began', 9, '10', ['11', '13']],
    ['from the middle on', 9, '12', ['13']],
    ['nothing new', 9, '13', []],
    ['from before it began', 9, '9', undefined],
    ['from the future of another cluster: nothing yet', 9, '99', []],
    ['what was forgotten', 1, '11', undefined],
    ['just what is left', 1, '12', ['13']],
    ['no version', 9, 'x', undefined],
    ['nothing', 9, '', undefined],
  ])('%s', ([, size, after, wanted]) => {
    expect(ids(size, after)).toEqual(wanted)
  })
})
