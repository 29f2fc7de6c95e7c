import { expect, test } from 'vitest'
import { requestFingerprint } from './fingerprint.ts'

const request = {
  method: 'POST',
  path: '/v1/organizations/acme/tenants',
  body: { name: 'a', spec: { size: 'small', list: [1, 2] } },
}

test('the order of fields says nothing, nor does what is not there', () => {
  const same = {
    body: { spec: { list: [1, 2], size: 'small' }, name: 'a' },
    path: request.path,
    method: 'POST',
    ifMatch: undefined,
  }
  expect(requestFingerprint(same)).toBe(requestFingerprint(request))
})

test.for<[name: string, other: Parameters<typeof requestFingerprint>[0]]>([
  ['method', { ...request, method: 'PUT' }],
  ['path', { ...request, path: '/v1/organizations/acme/snapshots' }],
  ['precondition', { ...request, ifMatch: '"1"' }],
  ['value', { ...request, body: { ...request.body, name: 'b' } }],
  ['order of a list', { ...request, body: { ...request.body, spec: { size: 'small', list: [2, 1] } } }],
  ['null for nothing', { ...request, body: { ...request.body, spec: { size: 'small', list: [1, 2], x: null } } }],
  ['text for a number', { ...request, body: { ...request.body, spec: { size: 'small', list: ['1', 2] } } }],
  ['no body', { method: 'POST', path: request.path }],
])('another %s is another request', ([, other]) => {
  expect(requestFingerprint(other)).not.toBe(requestFingerprint(request))
})
