import { describe, expect, test } from 'vitest'
import { AppError, type ErrorCode } from '../lib/errors.ts'
import { errorOfAnswer, errorOfTransport, errorOfWatchEvent, isObjectMissing, retryAfterMs } from './answers.ts'

const answer = (status: number, body: unknown = '', retryAfter?: string) =>
  errorOfAnswer({
    server: 'https://s',
    method: 'GET',
    path: '/api/v1/pods?x=1',
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(retryAfter !== undefined && { retryAfter }),
  })

describe('errorOfAnswer', () => {
  test.for<[status: number, reason: string, code: ErrorCode]>([
    [400, 'BadRequest', 'KUBE_BAD_REQUEST'],
    [401, 'Unauthorized', 'KUBE_UNAUTHORIZED'],
    [403, 'Forbidden', 'KUBE_FORBIDDEN'],
    [404, 'NotFound', 'KUBE_NOT_FOUND'],
    [405, 'MethodNotAllowed', 'KUBE_BAD_REQUEST'],
    [409, 'AlreadyExists', 'KUBE_ALREADY_EXISTS'],
    [409, 'Conflict', 'KUBE_CONFLICT'],
    [410, 'Expired', 'KUBE_GONE'],
    [415, 'UnsupportedMediaType', 'KUBE_BAD_REQUEST'],
    [422, 'Invalid', 'KUBE_INVALID'],
    [429, 'TooManyRequests', 'KUBE_TOO_MANY_REQUESTS'],
    [500, 'InternalError', 'KUBE_SERVER_ERROR'],
    [503, 'ServiceUnavailable', 'KUBE_SERVER_ERROR'],
    [504, 'Timeout', 'KUBE_TIMEOUT'],
  ])('%i %s is %s', ([status, reason, code]) => {
    const error = answer(status, { kind: 'Status', reason, message: 'said so' })
    expect(error).toMatchObject({ code, message: 'GET /api/v1/pods: said so', details: { status, reason } })
  })

  test('keeps the text of a proxy that does not speak Kubernetes, cut', () => {
    expect(answer(502, `<html>${'x'.repeat(5000)}`).message).toHaveLength('GET /api/v1/pods: '.length + 300)
    expect(answer(502, '').message).toBe('GET /api/v1/pods: HTTP 502')
    expect(answer(502, 'null').code).toBe('KUBE_SERVER_ERROR')
  })

  test('does not repeat a message without end, nor one that is no text', () => {
    expect(answer(403, { kind: 'Status', message: 'x'.repeat(500_000) }).message).toHaveLength(
      'GET /api/v1/pods: '.length + 16_384,
    )
    expect(answer(403, { kind: 'Status', message: { toString: 1 } })).toMatchObject({ code: 'KUBE_FORBIDDEN' })
    expect(answer(409, { kind: 'Status', reason: 'AlreadyExists', message: 'x'.repeat(2 ** 20) }).code).toBe('KUBE_CONFLICT')
  })

  test('keeps how long to wait, from the header or from the body', () => {
    expect(answer(429, { kind: 'Status' }, '2').details['retryAfterMs']).toBe(2000)
    expect(answer(504, { kind: 'Status', details: { retryAfterSeconds: 1 } }).details['retryAfterMs']).toBe(1000)
    expect(answer(429, {}).details).not.toHaveProperty('retryAfterMs')
  })

  test('tells a missing object from an unknown resource', () => {
    expect(isObjectMissing(answer(404, { kind: 'Status', reason: 'NotFound', details: { name: 'p', kind: 'pods' } }))).toBe(true)
    expect(isObjectMissing(answer(404, '404 page not found\n'))).toBe(false)
    expect(isObjectMissing(new Error('x'))).toBe(false)
  })
})

test.for<[header: string | undefined, wanted: number | undefined]>([
  ['1', 1000],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:00:05 GMT', 4000],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %j is %j ms', ([header, wanted]) => expect(retryAfterMs(header, 1000)).toBe(wanted))

test.for<[code: number | undefined, reason: string, wanted: ErrorCode]>([
  [410, 'Expired', 'KUBE_GONE'],
  [undefined, 'Gone', 'KUBE_GONE'],
  [500, 'Expired', 'KUBE_GONE'],
  [500, 'InternalError', 'KUBE_SERVER_ERROR'],
  [undefined, 'x', 'KUBE_SERVER_ERROR'],
])('an ERROR event with %j %s is %s', ([code, reason, wanted]) => {
  expect(errorOfWatchEvent('s', 'pods', { reason, ...(code !== undefined && { code }) }).code).toBe(wanted)
})

test.for<[cause: string, wanted: ErrorCode]>([
  ['ECONNREFUSED', 'KUBE_UNREACHABLE'],
  ['ECONNRESET', 'KUBE_UNREACHABLE'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'KUBE_UNREACHABLE'],
  ['UND_ERR_CONNECT_TIMEOUT', 'KUBE_TIMEOUT'],
])('a transport error %s is %s', ([code, wanted]) => {
  const cause = Object.assign(new Error('boom'), { code })
  expect(errorOfTransport('https://s', 'GET /x', cause)).toMatchObject({ code: wanted, cause })
})

test('an AppError passes as it is', () => {
  const error = new AppError('KUBE_TOO_LARGE', 'x', {})
  expect(errorOfTransport('s', 'c', error)).toBe(error)
})
