import { describe, expect, test } from 'vitest'
import {
  type Endpoint,
  endpointObject,
  endpointPatch,
  readEndpoint,
  rotatedSecrets,
  signingSecrets,
  wantsEvent,
} from './endpoint.ts'

const ref = { namespace: 'org-a', name: 'hook' }
const first = { value: 'first-secret-0123456789', from: '2026-01-01T00:00:00Z' }
const second = { value: 'second-secret-0123456789', from: '2026-02-01T00:00:00Z' }
const anEndpoint = (wanted: Partial<Endpoint> = {}): Endpoint => ({
  url: 'https://example.com/hook',
  events: ['tenant.*'],
  secrets: [first],
  state: 'enabled',
  ...wanted,
})

describe('endpoints', () => {
  test('are read as they were written', () => {
    expect(readEndpoint(endpointObject(ref, anEndpoint({ reason: 'x' })))).toEqual(anEndpoint({ reason: 'x' }))
  })

  test('are no other Secrets', () => {
    expect(readEndpoint({ ...endpointObject(ref, anEndpoint()), metadata: { name: 'hook' } })).toBeUndefined()
  })

  test.for<[field: string, wrong: Partial<Endpoint>]>([
    ['events.0', { events: ['Tenant.Ready'] }],
    ['events', { events: [] }],
    ['secrets', { secrets: [] }],
    ['secrets.0.value', { secrets: [{ ...first, value: 'short' }] }],
    ['url', { url: '' }],
  ])('are refused with a wrong %s, which is named and not shown', ([field, wrong]) => {
    const make = () => endpointObject(ref, anEndpoint(wrong))
    expect(make).toThrow(expect.objectContaining({ code: 'SPEC_INVALID', message: expect.stringContaining(`${field}:`) }))
    expect(make).toThrow(expect.objectContaining({ message: expect.not.stringContaining('short:') }))
  })

  test('are refused when their Secret was broken by hand', () => {
    const object = { ...endpointObject(ref, anEndpoint()), data: { url: 'aHR0cHM6Ly9h', secrets: 'e30=' } }
    expect(() => readEndpoint(object)).toThrow(/org-a\/hook: .*events.*secrets.*state/)
  })
})

describe('wantsEvent', () => {
  test.for<[events: readonly string[], type: string, wanted: boolean]>([
    [['*'], 'tenant.ready', true],
    [['tenant.*'], 'tenant.ready', true],
    [['tenant.ready'], 'tenant.ready', true],
    [['tenant.*'], 'tenants.ready', false],
    [['tenant.ready'], 'tenant.deleted', false],
    [['snapshot.*', 'tenant.deleted'], 'tenant.deleted', true],
  ])('%s %s', ([events, type, wanted]) => {
    expect(wantsEvent({ state: 'enabled', events: [...events] }, type)).toBe(wanted)
  })

  test('no: a disabled one', () => {
    expect(wantsEvent({ state: 'disabled', events: ['*'] }, 'tenant.ready')).toBe(false)
  })
})

describe('signingSecrets', () => {
  const at = (day: string) => new Date(`2026-${day}T00:00:00Z`)

  test.for<[name: string, secrets: Endpoint['secrets'], day: string, wanted: readonly string[]]>([
    ['the only one', [first], '03-01', [first.value]],
    ['both in a rotation, the new one first', [first, second], '03-01', [second.value, first.value]],
    ['not one whose time has not come', [first, second], '01-15', [first.value]],
    ['not one whose time is over', [{ ...first, until: '2026-02-15T00:00:00Z' }, second], '03-01', [second.value]],
    [
      'no more than two',
      [first, second, { value: 'third-secret-0123456789', from: '2026-02-02T00:00:00Z' }],
      '03-01',
      ['third-secret-0123456789', second.value],
    ],
  ])('%s', ([, secrets, day, wanted]) => {
    expect(signingSecrets({ secrets }, at(day))).toEqual(wanted)
  })
})

describe('rotatedSecrets', () => {
  const now = new Date('2026-11-22T12:00:00.000Z')
  const hour = 3_600_000
  const old = { value: 'the-old-secret-of-it', from: '2026-11-01T00:00:00Z' }
  const older = { value: 'the-older-secret-of-it', from: '2026-10-01T00:00:00Z', until: '2026-11-22T12:30:00.000Z' }
  const over = { value: 'a-secret-that-is-over', from: '2026-09-01T00:00:00Z', until: '2026-10-02T00:00:00Z' }
  const value = 'the-new-secret-of-it'
  const fresh = { value, from: now.toISOString() }
  test.for<[name: string, before: Endpoint['secrets'], overlapMs: number, after: Endpoint['secrets']]>([
    ['the one before signs for a while', [old], hour, [{ ...old, until: '2026-11-22T13:00:00.000Z' }, fresh]],
    ['no overlap: the new one alone', [old], 0, [fresh]],
    ['of two the newer one stays', [older, old], hour, [{ ...old, until: '2026-11-22T13:00:00.000Z' }, fresh]],
    ['one that ends sooner still does', [older], hour, [older, fresh]],
    ['one that is over goes', [over, old], hour, [{ ...old, until: '2026-11-22T13:00:00.000Z' }, fresh]],
  ])('%s', ([, before, overlapMs, after]) => {
    const secrets = rotatedSecrets(before, { value, now, overlapMs })
    expect(secrets).toEqual(after)
    expect(signingSecrets({ secrets: [...secrets] }, now)[0]).toBe(value)
  })
})

test('a change takes away what is not there any more', () => {
  const ref = { namespace: 'acme', name: 'hook' }
  const wanted: Endpoint = {
    url: 'https://example.com/',
    events: ['tenant.not_ready'],
    secrets: [{ value: 'a-secret-of-the-receiver', from: '2026-01-01T00:00:00Z' }],
    state: 'enabled',
  }
  expect(endpointPatch(ref, wanted).data).toMatchObject({ reason: null, description: null, url: expect.any(String) })
  const described = endpointObject(ref, { ...wanted, description: 'billing' })
  expect(readEndpoint(described)).toEqual({ ...wanted, description: 'billing' })
})
