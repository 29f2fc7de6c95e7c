import { describe, expect, test } from 'vitest'
import { errorOfAnswer } from '../kube/answers.ts'
import { AppError } from '../lib/errors.ts'
import { isFinal, problemOf, retryAfterSeconds } from './problem.ts'

const refusal = (status: number, body: object): AppError =>
  errorOfAnswer({
    server: 'https://10.0.0.1:6443',
    method: 'POST',
    path: '/apis/berth.dev/v1alpha1/namespaces/acme/tenantcontrolplanes',
    status,
    body: JSON.stringify({ kind: 'Status', ...body }),
  })

const invalid = refusal(422, {
  reason: 'Invalid',
  message: 'TenantControlPlane.berth.dev "a" is invalid: spec.version: Unsupported value',
  details: { name: 'a', causes: [{ field: 'spec.version', message: 'Unsupported value: "v1"' }] },
})

describe('problemOf', () => {
  test.for<[name: string, error: unknown, status: number, code: string]>([
    ['an error of ours', new AppError('TENANT_NOT_FOUND', 'there is no tenant a', {}), 404, 'TENANT_NOT_FOUND'],
    ['a rule of the CRD', invalid, 422, 'SPEC_REFUSED'],
    [
      'a webhook that says no',
      refusal(403, {
        reason: 'Forbidden',
        message: 'admission webhook "classes.berth.dev" denied the request: too many replicas',
      }),
      422,
      'SPEC_REFUSED',
    ],
    [
      'rights that Berth lacks',
      refusal(403, { reason: 'Forbidden', message: 'User "x" cannot create' }),
      503,
      'MANAGEMENT_UNAVAILABLE',
    ],
    ['a namespace that goes', refusal(403, { message: 'because it is being terminated' }), 409, 'STATE_CONFLICT'],
    ['a write at the same time', refusal(409, { reason: 'Conflict', message: 'changed' }), 409, 'STATE_CONFLICT'],
    ['a server that is away', new AppError('KUBE_UNREACHABLE', 'https://10.0.0.1 is away', {}), 503, 'MANAGEMENT_UNAVAILABLE'],
    ['a body too large', Object.assign(new Error('large'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE' }), 413, 'BODY_TOO_LARGE'],
    ['a code that every object has', Object.assign(new Error('x'), { code: 'constructor' }), 500, 'INTERNAL'],
    ['a bug', new TypeError('secret of acme is undefined'), 500, 'INTERNAL'],
    ['nothing', undefined, 500, 'INTERNAL'],
  ])('%s', ([, error, status, code]) => {
    const problem = problemOf(error, 'r1')
    expect(problem).toMatchObject({ status, code, requestId: 'r1' })
    expect(JSON.stringify(problem)).not.toMatch(/10\.0\.0\.1|secret of acme|User "x"|\/apis\//)
  })

  test('points to the fields that the API server refuses', () => {
    expect(problemOf(invalid, '').errors).toEqual([{ pointer: '/spec/version', detail: 'Unsupported value: "v1"' }])
  })
})

test.for<[name: string, error: unknown, final: boolean]>([
  ['not found', new AppError('TENANT_NOT_FOUND', '', {}), true],
  ['refused', invalid, true],
  ['beyond a quota', new AppError('QUOTA_EXCEEDED', '', {}), true],
  ['too many', new AppError('RATE_LIMITED', '', {}), false],
  ['changed at the same time', refusal(409, { reason: 'Conflict' }), false],
  ['away', new AppError('KUBE_TIMEOUT', '', {}), false],
  ['a bug', new Error('x'), false],
])('isFinal: %s', ([, error, final]) => {
  expect(isFinal(error)).toBe(final)
})

test('retryAfterSeconds is whole, and never nothing where it is asked for', () => {
  const limited = (retryAfterMs: number) => new AppError('RATE_LIMITED', '', { retryAfterMs })
  expect([
    retryAfterSeconds(limited(10), 429),
    retryAfterSeconds(limited(2500), 429),
    retryAfterSeconds(new Error('x'), 503),
    retryAfterSeconds(new Error('x'), 404),
  ]).toEqual([1, 3, 1, undefined])
})
