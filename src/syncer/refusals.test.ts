import { expect, test } from 'vitest'
import { AppError } from '../lib/errors.ts'
import { keyOf } from './keys.ts'
import { createRefusals } from './refusals.ts'

const server = 'https://10.96.4.1:443'
const refusal = (webhook: string, at = server): AppError =>
  new AppError('KUBE_SERVER_ERROR', `PATCH: Internal error occurred: failed calling webhook "${webhook}": no`, { server: at })

test('names the webhook, one object, how many there are, and what to do, until all have passed', () => {
  const refusals = createRefusals('berth:syncer')
  const keys = ['b', 'a'].map((name) => keyOf('pods', 'work', name))
  for (const key of keys) refusals.failed(key, refusal('guard.example.com'), server)
  expect(refusals.text()).toMatch(
    /^webhook guard\.example\.com of the tenant keeps Berth from writing what super says of 2 objects, pods work\/a among them: nobody answers for it/,
  )
  refusals.passed(keys[1] ?? '')
  expect(refusals.text()).toMatch(/ of pods work\/b: /)
  refusals.passed(keys[0] ?? '')
  expect(refusals.text()).toBeUndefined()
})

test('a webhook that says no is to except the syncer', () => {
  const refusals = createRefusals('berth:syncer')
  const denied = new AppError('KUBE_FORBIDDEN', 'PATCH: admission webhook "g.example.com" denied the request: no', { server })
  refusals.failed(keyOf('nodes', '', 'n1'), denied, server)
  expect(refusals.text()).toMatch(/ of nodes n1: except the user berth:syncer/)
})

test("super's webhooks, and what is no webhook, are nobody's to mend in the tenant", () => {
  const refusals = createRefusals('berth:syncer')
  refusals.failed(keyOf('pods', 'work', 'a'), refusal('g.example.com', 'https://super'), server)
  refusals.failed(
    keyOf('pods', 'work', 'a'),
    new AppError('KUBE_CONFLICT', 'PATCH: the object has been modified', { server }),
    server,
  )
  expect(refusals.text()).toBeUndefined()
})
