import { expect, test } from 'vitest'
import { frozen } from '../../testing/frozen.ts'
import { fieldOwners } from './field-owners.ts'

const entry = (fieldsV1: object) => ({ manager: 'kubectl', operation: 'Update', time: '2026-01-01T00:00:00Z', fieldsV1 })
const fieldsOf = (fieldsV1: object) =>
  fieldOwners('tenant', frozen({ metadata: { managedFields: [entry(fieldsV1)] } }))[0]?.fields

test.for<[what: string, fields: object, paths: readonly string[]]>([
  ['a field', { 'f:spec': { 'f:replicas': {} } }, ['spec.replicas']],
  ['a key with dots', { 'f:metadata': { 'f:labels': { '.': {}, 'f:a.b/c': {} } } }, ['metadata.labels["a.b/c"]']],
  [
    'an item of a list by its keys',
    { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } } },
    ['ports[port=80,protocol=TCP].port'],
  ],
  ['an item that is owned whole', { 'f:env': { 'k:{"name":"A"}': { '.': {} } } }, ['env[name=A]']],
  ['an item by its value', { 'f:finalizers': { 'v:"a"': {} } }, ['finalizers["a"]']],
  ['a key that is none', { 'f:a': { 'k:{': {} } }, ['a[{]']],
  ['nothing', {}, []],
])('%s', ([, fields, paths]) => {
  expect(fieldsOf(fields)).toEqual(paths)
})

test('an object without a record has no owners, and one of another shape neither', () => {
  expect(fieldOwners('super', { metadata: {} })).toEqual([])
  expect(fieldOwners('super', { metadata: { managedFields: ['x', null] } })).toEqual([])
})

test('an owner is told with its side and what it wrote by', () => {
  const managedFields = [{ ...entry({ 'f:status': {} }), subresource: 'status' }]
  expect(fieldOwners('super', { metadata: { managedFields } })).toEqual([
    {
      side: 'super',
      manager: 'kubectl',
      operation: 'Update',
      subresource: 'status',
      time: '2026-01-01T00:00:00Z',
      fields: ['status'],
    },
  ])
})
