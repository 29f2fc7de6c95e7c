import { describe, expect, test } from 'vitest'
import type { TenantClass } from '../../apis/tenant-class.ts'
import { frozen } from '../../testing/frozen.ts'
import { revisionAction, revisionOf, surplusRevisions } from './revisions.ts'

const aClass = (spec: object): TenantClass => frozen({ metadata: { name: 'gold' }, spec }) as unknown as TenantClass
const small = aClass({ defaults: { size: 'small' } })
const large = aClass({ defaults: { size: 'large' } })

describe('revisionAction', () => {
  test('makes one for what is new, with the next number', () => {
    expect(revisionAction(small, [])).toMatchObject({ kind: 'create', updated: { revision: 1 } })
    expect(revisionAction(large, [revisionOf(small, 4)])).toMatchObject({
      kind: 'create',
      updated: { revision: 5, data: { defaults: { size: 'large' } } },
    })
  })

  test('makes none for a change of limits and of the rollout', () => {
    const limited = aClass({ defaults: { size: 'small' }, limits: { sizes: ['small'] }, rollout: { paused: true } })
    expect(revisionAction(limited, [revisionOf(small, 1)]).kind).toBe('none')
  })

  test('takes an older one up again', () => {
    expect(revisionAction(small, [revisionOf(small, 1), revisionOf(large, 2)])).toMatchObject({
      kind: 'renumber',
      updated: { revision: 3, metadata: { name: revisionOf(small, 1).metadata.name } },
    })
  })

  test('has names that differ by class and content', () => {
    const other = frozen({ ...small, metadata: { name: 'silver' } }) as TenantClass
    const names = [small, large, other].map((each) => revisionOf(each, 1).metadata.name)
    expect(new Set(names).size).toBe(3)
  })
})

test('of the history the oldest go, and none that a tenant is at', () => {
  const known = [1, 2, 3, 4].map((number) => ({ ...revisionOf(small, number), metadata: { name: `r${number}` } }))
  expect(surplusRevisions(known, new Set(['r1', undefined]), 1)).toEqual(['r3', 'r2'])
  expect(surplusRevisions(known, new Set(), 10)).toEqual([])
})
