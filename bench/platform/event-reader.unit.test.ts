import { expect, test } from 'vitest'
import { createEventReader } from './event-reader.ts'

test('an event is given when it is whole, whatever the pieces', () => {
  const read = createEventReader()
  expect(read('retry: 2000\nid: 7\nevent: st')).toEqual([])
  expect(read('art\ndata: {}\n')).toEqual([])
  expect(read('\nid: 8\nevent: tenant.ready\ndata: {"name":"a"}\n\n: heartbeat\n\nid: 9')).toEqual([
    { id: '7', event: 'start', data: '{}' },
    { id: '8', event: 'tenant.ready', data: '{"name":"a"}' },
  ])
  expect(read('\nevent: tenant.changed\ndata: 1\n\n')).toEqual([{ id: '9', event: 'tenant.changed', data: '1' }])
})
