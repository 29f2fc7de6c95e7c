import { describe, expect, test } from 'vitest'
import { type SuperLook, superOfTenant } from './super-cluster.ts'

const answers: SuperLook = { kind: 'answers', uid: 'super-1' }
const away: SuperLook = { kind: 'away', message: 'the super cluster cannot be used' }
const slice = { serviceSlice: '10.96.4.0/24' }
const recorded = (isApart: boolean, uid = 'super-1') => ({ ...slice, superCluster: { uid, isApart } })

describe('the super cluster of a tenant', () => {
  test.each<[string, Parameters<typeof superOfTenant>, unknown]>([
    ['a new one begins in the one at hand', [{}, answers, true], { kind: 'known', record: { uid: 'super-1', isApart: true } }],
    ['a new one waits for super', [{}, away, true], { kind: 'refused', error: { code: 'SUPER_UNREACHABLE' } }],
    ['one of before the record', [slice, answers, false], { kind: 'known', record: { uid: 'super-1', isApart: false } }],
    [
      'one of before the record, with super elsewhere now',
      [slice, answers, true],
      { kind: 'refused', error: { code: 'SUPER_MISMATCH' } },
    ],
    ['one that is recorded', [recorded(true), answers, true], { kind: 'known', record: { uid: 'super-1', isApart: true } }],
    [
      'one whose super is away',
      [recorded(true), away, true],
      { kind: 'known', record: { uid: 'super-1', isApart: true }, trouble: 'the super cluster cannot be used' },
    ],
    ['another cluster', [recorded(true, 'super-0'), answers, true], { kind: 'refused', error: { code: 'SUPER_MISMATCH' } }],
    ['management instead', [recorded(true), answers, false], { kind: 'refused', error: { code: 'SUPER_MISMATCH' } }],
    [
      'another cluster instead of management, which is away as well',
      [recorded(false), away, true],
      { kind: 'refused', error: { code: 'SUPER_MISMATCH' } },
    ],
  ])('%s', (_, given, expected) => {
    expect(superOfTenant(...given)).toMatchObject(expected as object)
  })
})
