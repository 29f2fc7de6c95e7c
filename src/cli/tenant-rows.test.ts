import { describe, expect, test } from 'vitest'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { passesFilter, readyOf, type TenantFilter, tenantTable, wideTenantTable } from './tenant-rows.ts'

const condition = (type: 'Ready' | 'Paused', status: 'True' | 'False', reason = 'R') => ({
  type,
  status,
  reason,
  message: '',
  lastTransitionTime: '',
})
const aPlane = (over: object = {}): TenantControlPlane =>
  ({ metadata: { name: 'acme', namespace: 'tenants', ...over }, spec: {} }) as unknown as TenantControlPlane
const withStatus = (status: object, spec: object = {}): TenantControlPlane =>
  ({ ...aPlane(), spec, status }) as unknown as TenantControlPlane

const ready = withStatus({ conditions: [condition('Ready', 'True')] }, { className: 'gold' })
const unready = withStatus({ conditions: [condition('Ready', 'False')] })
const paused = withStatus({ conditions: [condition('Ready', 'False'), condition('Paused', 'True', 'Hibernated')] })
const leaving = aPlane({ deletionTimestamp: '2026-01-01T00:00:00Z' })

test.for<[what: string, plane: TenantControlPlane, word: string]>([
  ['ready', ready, 'True'],
  ['not ready', unready, 'False'],
  ['asleep', paused, 'Hibernated'],
  ['on its way out', leaving, 'Deleting'],
  ['new', aPlane(), 'Unknown'],
])('a tenant that is %s', ([, plane, word]) => {
  expect(readyOf(plane)).toBe(word)
})

describe('a filter', () => {
  test.for<[what: string, filter: TenantFilter, passing: readonly TenantControlPlane[]]>([
    ['that says nothing', {}, [ready, unready, paused, leaving]],
    ['of a class', { class: 'gold' }, [ready]],
    ['of ready ones', { ready: true }, [ready]],
    ['of those that are not', { ready: false }, [unready, paused, leaving]],
    ['of both', { class: 'gold', ready: false }, []],
  ])('%s', ([, filter, passing]) => {
    expect([ready, unready, paused, leaving].filter((plane) => passesFilter(plane, filter))).toEqual(passing)
  })
})

test('the wide table has the columns of the other one, and more', () => {
  const options = { now: 0, namespaces: true }
  const [narrow, wide] = [tenantTable([ready], options), wideTenantTable([ready], options)]
  expect(wide.columns.slice(0, narrow.columns.length)).toEqual(narrow.columns)
  expect(wide.rows[0]).toHaveLength(wide.columns.length)
  expect(wide.rows[0]?.slice(narrow.columns.length)).toEqual(['gold', 'small', 'dedicated', '-', '-'])
})
