import { describe, expect, test } from 'vitest'
import type { Condition } from '../apis/conditions.ts'
import { type TenantControlPlane, tenantControlPlaneSpec } from '../apis/tenant-control-plane.ts'
import { changeOf, type TenantEvent, type ToldTenant, type ToldTenants } from './told.ts'

const now = new Date('2026-11-22T12:00:00Z')
const since = '2026-11-22T11:00:00Z'
const created = '2026-11-22T10:00:00Z'
const condition = (type: Condition['type'], status: Condition['status'], reason = 'R'): Condition => ({
  type,
  status,
  reason,
  message: 'm',
  lastTransitionTime: since,
})
const ready = condition('Ready', 'True')
const notReady = condition('Ready', 'False', 'Unreachable')
const pausing = condition('Ready', 'False', 'Pausing')
const resting = [condition('Ready', 'False', 'Paused'), condition('Paused', 'True')]

const aPlane = (conditions: readonly Condition[] = [], more: object = {}, metadata: object = {}): TenantControlPlane => ({
  metadata: { name: 'shop', namespace: 'acme', uid: 'u1', creationTimestamp: created, ...metadata },
  spec: tenantControlPlaneSpec.parse({}),
  status: { conditions: [...conditions], ...more },
})
const told = (is: ToldTenant['is'], version?: string): ToldTenants => ({
  u1: { name: 'shop', is, ...(version !== undefined && { version }) },
})
const idOf = (parts: readonly string[]) => parts.join('|')
const look = (before: ToldTenants, ...planes: readonly TenantControlPlane[]) => changeOf({ told: before, planes, now, idOf })
const upgrade = (phase: string) => ({
  version: '1.37.1',
  upgrade: { from: '1.36.2', to: '1.37.1', request: 'r', phase, message: 'm', startedAt: since, completedAt: since },
})
const deleting = { deletionTimestamp: since }

describe('changeOf', () => {
  test.for<
    [
      name: string,
      before: ToldTenants,
      planes: readonly TenantControlPlane[],
      types: readonly TenantEvent['type'][],
      is: ToldTenant['is'] | undefined,
    ]
  >([
    ['a new tenant', {}, [aPlane()], ['tenant.created'], 'starting'],
    ['a new tenant that is ready already', {}, [aPlane([ready])], ['tenant.created', 'tenant.ready'], 'ready'],
    ['a new one that is not ready yet', told('starting'), [aPlane([notReady])], [], 'starting'],
    ['a new one that is ready', told('starting'), [aPlane([ready])], ['tenant.ready'], 'ready'],
    ['the same again', told('ready'), [aPlane([ready])], [], 'ready'],
    ['one that fails', told('ready'), [aPlane([notReady])], ['tenant.not_ready'], 'not_ready'],
    ['one without a status any more', told('ready'), [aPlane()], ['tenant.not_ready'], 'not_ready'],
    ['one that fails still', told('not_ready'), [aPlane([notReady])], [], 'not_ready'],
    ['one that is back', told('not_ready'), [aPlane([ready])], ['tenant.ready'], 'ready'],
    ['one on its way to rest', told('ready'), [aPlane([pausing])], [], 'ready'],
    ['one that rests', told('ready'), [aPlane(resting)], ['tenant.paused'], 'paused'],
    ['one that rests still', told('paused'), [aPlane(resting)], [], 'paused'],
    ['one that comes back', told('paused'), [aPlane([notReady])], ['tenant.resumed'], 'starting'],
    ['one that came back meanwhile', told('paused'), [aPlane([ready])], ['tenant.resumed', 'tenant.ready'], 'ready'],
    ['one that is being deleted', told('ready'), [aPlane([notReady], {}, deleting)], [], 'ready'],
    ['one that is gone', told('ready'), [], ['tenant.deleted'], undefined],
    [
      'one of the same name in its place',
      told('ready'),
      [aPlane([], {}, { uid: 'u2' })],
      ['tenant.created', 'tenant.deleted'],
      undefined,
    ],
    ['its first version', told('ready'), [aPlane([ready], { version: '1.36.2' })], [], 'ready'],
    ['another version on its way', told('ready', '1.36.2'), [aPlane([ready], upgrade('Verifying'))], [], 'ready'],
    ['another version', told('ready', '1.36.2'), [aPlane([ready], upgrade('Done'))], ['tenant.upgraded'], 'ready'],
    ['the version that was told', told('ready', '1.37.1'), [aPlane([ready], upgrade('Done'))], [], 'ready'],
  ])('%s', ([, before, planes, types, is]) => {
    const { events, tenants } = look(before, ...planes)
    expect(events.map(({ type }) => type)).toEqual(types)
    expect(tenants['u1']?.is).toBe(is)
    // Told, it says nothing more.
    expect(look(tenants, ...planes).events).toEqual([])
  })

  test('an event has the same id whenever it is looked for, and another one the next time it happens', () => {
    const [first] = look(told('starting'), aPlane([ready])).events
    expect(look(told('starting'), aPlane([ready])).events[0]).toEqual(first)
    const later = { ...ready, lastTransitionTime: '2026-11-22T11:30:00Z' }
    expect(look(told('not_ready'), aPlane([later])).events[0]?.id).not.toBe(first?.id)
  })

  test('an event says when it happened, not when it was seen', () => {
    const times = look({}, aPlane([ready])).events.map(({ time, isFirst }) => [time, isFirst])
    expect(times).toEqual([
      [created, true],
      [since, true],
    ])
  })

  test('a version on its way is remembered as the one before', () => {
    expect(look(told('ready', '1.36.2'), aPlane([ready], upgrade('GoingBack'))).tenants['u1']?.version).toBe('1.36.2')
    const [event] = look(told('ready', '1.36.2'), aPlane([ready], upgrade('Done'))).events
    expect(event).toMatchObject({ previousVersion: '1.36.2', time: since })
  })
})
