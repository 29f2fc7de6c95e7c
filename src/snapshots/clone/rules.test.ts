import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { contentOf, fieldsOf, fieldWith } from './protobuf.ts'
import {
  addressesOfService,
  clonedClaim,
  clonedPod,
  clonedSecret,
  clonedService,
  isRootCa,
  leftOut,
  quietDefinition,
} from './rules.ts'
import { messageOf } from './stored-object.ts'

/** What the test says: texts and messages by field number, one after the other. */
type Message = readonly (readonly [number: number, content: string | Message])[]
const encoded = (message: Message): Buffer =>
  Buffer.concat(message.map(([number, content]) => fieldWith(number, typeof content === 'string' ? content : encoded(content))))
/** As an API server stores it: magic, envelope with the kind, object. */
const stored = (message: Message): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), encoded([[1, [[2, 'Kind']]]]), fieldWith(2, encoded(message)), fieldWith(3, '')])
const at = (object: Buffer | undefined, ...path: readonly number[]): string | undefined =>
  path
    .reduce<Buffer | undefined>((message, number) => message && contentOf(fieldsOf(message), number), object && messageOf(object))
    ?.toString()

const spec = (...fields: Message): Message[number] => [2, fields]
const name: Message[number] = [1, [[1, 'web']]]

describe('a Service', () => {
  const addresses = new Map([['10.96.4.7', '10.96.9.7']])

  test('has its new addresses, keeps all else, and has no status', () => {
    const service = stored([name, spec([3, '10.96.4.7'], [18, '10.96.4.7'], [9, 'other']), [3, 'status']])
    expect(addressesOfService(service)).toEqual(['10.96.4.7'])
    const cloned = clonedService(service, addresses)
    expect([at(cloned, 2, 3), at(cloned, 2, 18), at(cloned, 2, 9), at(cloned, 3)]).toEqual([
      '10.96.9.7',
      '10.96.9.7',
      'other',
      undefined,
    ])
  })

  test.for(['None', ''])('of address "%s" stays so', (address) => {
    const service = stored([name, spec([3, address])])
    expect(addressesOfService(service)).toEqual([])
    expect(at(clonedService(service, addresses), 2, 3)).toBe(address)
  })
})

describe('a pod', () => {
  const controller = Buffer.from([0x30, 1])
  const owned = (flag: Buffer): Buffer => {
    const owner = Buffer.concat([
      encoded([
        [1, 'Thing'],
        [4, 'uid'],
      ]),
      flag,
    ])
    const metadata = Buffer.concat([encoded([[1, 'web']]), fieldWith(13, owner)])
    return Buffer.concat([
      Buffer.from('k8s\0'),
      fieldWith(2, Buffer.concat([fieldWith(1, metadata), encoded([spec([10, 'node-1'])])])),
    ])
  }

  test('that a controller made goes, of whatever kind that is; one that is only owned stays', () => {
    expect(clonedPod(owned(controller))).toBeUndefined()
    expect(at(clonedPod(owned(Buffer.from([0x30, 0]))), 1, 1)).toBe('web')
  })

  test('that is on its way out goes', () => {
    expect(
      clonedPod(
        stored([
          [
            1,
            [
              [1, 'web'],
              [9, ''],
            ],
          ],
          spec(),
        ]),
      ),
    ).toBeUndefined()
  })

  test('loses its node and what it was there', () => {
    const cloned = clonedPod(
      stored([
        name,
        spec([10, 'node-1'], [3, 'Always']),
        [
          3,
          [
            [1, 'Running'],
            [6, '10.1.1.1'],
            [9, 'Burstable'],
          ],
        ],
      ]),
    )
    expect([at(cloned, 2, 10), at(cloned, 2, 3)]).toEqual([undefined, 'Always'])
    expect([at(cloned, 3, 1), at(cloned, 3, 6), at(cloned, 3, 9)]).toEqual(['Pending', undefined, 'Burstable'])
  })

  test.for(['Succeeded', 'Failed'])('that has %s keeps its words, and not its node', (phase) => {
    const cloned = clonedPod(stored([name, spec([3, 'Never'], [10, 'node-1']), [3, [[1, phase]]]]))
    expect(cloned).toEqual(stored([name, spec([3, 'Never']), [3, [[1, phase]]]]))
  })
})

test('a claim loses its volume and where it came from', () => {
  const annotations: Message = [
    [
      12,
      [
        [1, 'pv.kubernetes.io/bind-completed'],
        [2, 'yes'],
      ],
    ],
    [
      12,
      [
        [1, 'volume.kubernetes.io/selected-node'],
        [2, 'node-1'],
      ],
    ],
    [
      12,
      [
        [1, 'mine'],
        [2, 'kept'],
      ],
    ],
  ]
  const cloned = clonedClaim(
    stored([[1, [[1, 'data'], ...annotations]], spec([3, 'pv-1'], [5, 'fast'], [7, 'x'], [8, 'x']), [3, [[1, 'Bound']]]]),
  )
  expect([3, 5, 7, 8].map((number) => at(cloned, 2, number))).toEqual([undefined, 'fast', undefined, undefined])
  const left = fieldsOf(contentOf(fieldsOf(messageOf(cloned ?? Buffer.alloc(0))), 1) ?? Buffer.alloc(0)).filter(
    ({ number }) => number === 12,
  )
  expect(left.map(({ content }) => contentOf(fieldsOf(content), 1)?.toString())).toEqual(['mine'])
  expect(at(cloned, 3, 1)).toBe('Pending')
})

describe('a Secret', () => {
  const keys = { source: randomBytes(32), own: randomBytes(32) }
  const again = { source: keys.own, own: keys.source }

  test('is encrypted anew, also one that was not, and is the same after it', () => {
    const secret = stored([
      name,
      [
        2,
        [
          [1, 'key'],
          [2, 'hidden'],
        ],
      ],
      [3, 'Opaque'],
    ])
    const cloned = clonedSecret(secret, keys)
    expect(cloned.includes('hidden')).toBe(false)
    const back = clonedSecret(cloned, again)
    expect(back.subarray(0, 26).toString()).toBe('k8s:enc:secretbox:v1:key1:')
    expect(() => clonedSecret(back, again)).toThrow(/cannot be decrypted/)
  })

  test.for([
    'k8s:enc:secretbox:v1:key1:too short',
    'k8s:enc:secretbox:v1:other:0123456789012345678901234567890123456789',
    'k8s:enc:aescbc:v1:key1:0123456789012345678901234567890123456789',
  ])('encrypted as "%s" is refused, with a word on what to do', (text) => {
    expect(() => clonedSecret(Buffer.from(text), keys)).toThrow(/Choose a snapshot that is encrypted with age/)
  })
})

test.for<[name: string, value: Buffer]>([
  ['JSON', Buffer.from('{"kind":"Pod"}')],
  ['nothing', Buffer.alloc(0)],
  ['an envelope that is cut off', stored([name, spec([10, 'node-1'])]).subarray(0, 30)],
  ['an object that is cut off', Buffer.concat([Buffer.from('k8s\0'), fieldWith(2, Buffer.from([0x0a, 0x7f, 1]))])],
  ['a number without an end', Buffer.concat([Buffer.from('k8s\0'), fieldWith(2, Buffer.alloc(20, 0xff))])],
])('%s is refused, and not taken for what it is not', ([, value]) => {
  for (const rule of [clonedPod, clonedClaim, addressesOfService]) expect(() => rule(value)).toThrow(/cannot be read/)
})

test('what is left out is whole folders or one key each, all of them of the registry', () => {
  for (const path of leftOut) expect(path).toMatch(/^\/registry\/[a-z0-9./-]+$/)
  expect(isRootCa('/registry/configmaps/work/kube-root-ca.crt')).toBe(true)
  expect(isRootCa('/registry/configmaps/work/my-kube-root-ca.crt')).toBe(false)
  expect(isRootCa('/registry/secrets/work/kube-root-ca.crt')).toBe(false)
})

describe('a definition of a kind, in a drill', () => {
  const webhook = { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://169.254.169.254/' } } }
  test.for<[name: string, definition: object | string, stays: boolean]>([
    ['stays', { metadata: { name: 'a' }, spec: { conversion: { strategy: 'None' } } }, true],
    ['that says nothing of conversion stays', { metadata: { name: 'a' }, spec: {} }, true],
    ['that a webhook converts goes', { metadata: { name: 'a' }, spec: { conversion: webhook } }, false],
    ['of a strategy that is to come goes', { metadata: { name: 'a' }, spec: { conversion: { strategy: 'Else' } } }, false],
    ['on its way out goes', { metadata: { deletionTimestamp: '2026-06-01T00:00:00Z' }, spec: {} }, false],
    ['that is stored otherwise goes', 'k8s\0', false],
  ])('%s', ([, definition, stays]) => {
    const bytes = Buffer.from(typeof definition === 'string' ? definition : JSON.stringify(definition))
    expect(quietDefinition(bytes)).toEqual(stays ? bytes : undefined)
  })
})
