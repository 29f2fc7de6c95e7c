import { describe, expect, test } from 'vitest'
import type { TenantClass } from '../../apis/tenant-class.ts'
import { frozen } from '../../testing/frozen.ts'
import { classRefusal } from './class-review.ts'

type Given = Record<string, unknown>

const gold = frozen({
  metadata: { name: 'gold' },
  spec: { defaults: { size: 'medium' }, limits: { sizes: ['small', 'medium'], maxApiServerReplicas: 2 } },
}) as unknown as TenantClass

const review = (spec: Given, oldSpec?: Given, status?: Given) => ({
  request: {
    uid: 'u',
    object: { spec },
    ...(oldSpec && { oldObject: { metadata: {}, spec: oldSpec, ...(status && { status }) } }),
  },
})

describe('classRefusal', () => {
  test.for<[name: string, review: ReturnType<typeof review>, refusal: RegExp | undefined]>([
    ['a tenant without a class', review({ size: 'large' }), undefined],
    ['what the class says', review({ className: 'gold' }), undefined],
    ['what is within', review({ className: 'gold', size: 'small', apiServer: { replicas: 2 } }), undefined],
    [
      'what is beyond',
      review({ className: 'gold', size: 'large' }),
      /^spec\.size: large is beyond what TenantClass gold allows \(one of small, medium\): change it, or name another class/,
    ],
    ['a change to beyond', review({ className: 'gold', size: 'large' }, { className: 'gold' }), /spec\.size: large/],
    [
      'another change of one that is beyond already',
      review({ className: 'gold', size: 'large', state: 'Paused' }, { className: 'gold', size: 'large' }),
      undefined,
    ],
    [
      'one more thing beyond',
      review({ className: 'gold', size: 'large', apiServer: { replicas: 3 } }, { className: 'gold', size: 'large' }),
      /^spec\.apiServer\.replicas: 3 (?!.*spec\.size)/,
    ],
    [
      'the class itself, named by one that is beyond',
      review({ className: 'gold', size: 'large' }, { size: 'large' }),
      /spec\.size/,
    ],
    [
      'a change within, of a tenant that runs',
      review({ className: 'gold', size: 'small' }, { className: 'gold' }, { serviceSlice: '10.96.4.0/24', version: 'v1.37.1' }),
      undefined,
    ],
  ])('%s', ([, request, refusal]) => {
    const said = classRefusal(frozen(request), gold)
    if (refusal) expect(said).toMatch(refusal)
    else expect(said).toBeUndefined()
  })

  test('a class that is not there yet refuses nothing', () => {
    expect(classRefusal(review({ className: 'gold', size: 'large' }), undefined)).toBeUndefined()
  })
})
