import { expect, test } from 'vitest'
import { AppError } from '../lib/errors.ts'
import { webhookRefusal } from './webhook-refusal.ts'

test.each([
  [
    'nobody answers for it',
    'Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook: Post "https://guard.ops.svc:443/?timeout=10s": service "guard" not found',
    { webhook: 'guard.example.com', kind: 'unreachable' },
  ],
  [
    'it says no',
    'admission webhook "guard.example.com" denied the request: no',
    { webhook: 'guard.example.com', kind: 'denied' },
  ],
  [
    'a policy, which is none',
    "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: false",
    undefined,
  ],
  ['another refusal', 'pods "web" is forbidden: exceeded quota', undefined],
  ['a name that is none', 'failed calling webhook "a b": x', undefined],
])('%s', (_, message, expected) => {
  expect(webhookRefusal(new AppError('KUBE_SERVER_ERROR', `PATCH pods/web: ${message}`, {}))).toEqual(expected)
})

test('what no API server said is none', () => {
  expect(webhookRefusal(new Error('failed calling webhook "a"'))).toBeUndefined()
})
