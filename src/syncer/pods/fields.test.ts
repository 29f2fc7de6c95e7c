import { describe, expect, test } from 'vitest'
import { passingFields, podSpecFields, refusedField, volumeSourceFields } from './fields.ts'
import { secretRefFields } from './volumes.ts'

describe('refusedField', () => {
  test.for<[name: string, spec: object, field: string | undefined]>([
    ['takes known fields', { containers: [{ name: 'main' }], hostNetwork: true }, undefined],
    ['refuses a field with a reason', { runtimeClassName: 'gvisor' }, 'runtimeClassName'],
    ['refuses a field nobody has thought about', { teleport: true }, 'teleport'],
    ['refuses what only looks like a row', { constructor: 'x' }, 'constructor'],
    ['passes over fields without a value', { runtimeClassName: null, resourceClaims: [], teleport: undefined }, undefined],
  ])('%s', ([, spec, field]) => {
    expect(refusedField(spec, podSpecFields)?.field).toBe(field)
  })
})

test('passingFields leaves out what a rule rewrites, super decides or nobody knows', () => {
  expect(passingFields({ hostname: 'a', nodeName: 'n', priority: 7, teleport: 1, tolerations: [] }, podSpecFields)).toEqual({
    hostname: 'a',
    tolerations: [],
  })
})

test('every volume source that names a Secret is classified as translated', () => {
  for (const source of Object.keys(secretRefFields)) expect([source, volumeSourceFields[source]]).toEqual([source, 'translate'])
})
