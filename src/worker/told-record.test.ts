import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type NotedEvent, stillNoted, type ToldRecord, toldObjects, toldWrites, wholeRecord } from './told-record.ts'

const record: ToldRecord = {
  tenants: {
    'a-1': { name: 'shop', is: 'ready', version: '1.37.1' },
    'a-2': { name: 'blog', is: 'paused' },
    '0-1': { name: 'x', is: 'starting' },
  },
  outbox: [{ id: 'evt-1', type: 'tenant.ready', time: '2026-11-22T12:00:00Z', tenant: 'shop', uid: 'a-1' }],
}
/** As a server gives them back. */
const stored = (writes: ReturnType<typeof toldWrites>): readonly KubeObject[] =>
  writes.map(([, object]) => ({ ...object, metadata: { ...object.metadata, resourceVersion: '7', uid: 'u' } }))
const objects = toldObjects(stored(toldWrites('acme', record, new Map())))

describe('the record of an organisation', () => {
  test('comes back from its objects, a few for many tenants', () => {
    expect(wholeRecord(objects)).toEqual({ ...record, tenants: expect.objectContaining(record.tenants) })
    expect(new Set(Array.from(objects.values(), ({ metadata }) => metadata.name))).toEqual(
      new Set(['berth-told-0', 'berth-told-a']),
    )
  })

  test('that has not changed writes nothing, and a change only the object that it is in', () => {
    expect(toldWrites('acme', record, objects)).toEqual([])
    const changed = { ...record, outbox: [] }
    const writes = toldWrites('acme', changed, objects)
    expect(writes.map(([shard]) => shard)).toEqual(['a'])
    // Guarded by what was read.
    expect(writes[0]?.[1].metadata).toMatchObject({ resourceVersion: '7', uid: 'u' })
  })

  test('without tenants any more says so', () => {
    const writes = toldWrites('acme', { tenants: {}, outbox: [] }, objects)
    expect(writes).toHaveLength(2)
    expect(wholeRecord(toldObjects(stored(writes)))).toEqual({ tenants: {}, outbox: [] })
  })

  test.for<[name: string, told: unknown]>([
    ['that is no JSON', '{'],
    ['of another shape', '{"tenants":[]}'],
    ['without anything', undefined],
  ])('an object %s says nothing', ([, told]) => {
    const broken = { metadata: { name: 'berth-told-a' }, data: { told } }
    expect(wholeRecord(toldObjects([broken]))).toEqual({ tenants: {}, outbox: [] })
  })
})

describe('stillNoted', () => {
  const now = new Date('2026-11-22T12:00:00Z')
  const anEvent = (id: string, at?: string): NotedEvent => ({
    id,
    type: 'tenant.ready',
    time: '2026-11-01T00:00:00Z',
    tenant: 'shop',
    uid: 'a-1',
    ...(at !== undefined && { told: { in: 'e', at } }),
  })
  test('keeps what was not told, however old, and what was told within a day', () => {
    const outbox = [anEvent('old', '2026-11-21T11:59:59Z'), anEvent('lately', '2026-11-21T12:00:01Z'), anEvent('untold')]
    expect(stillNoted(outbox, now).map(({ id }) => id)).toEqual(['lately', 'untold'])
  })
  test('keeps the newest five hundred of them, and all that was not told', () => {
    const told = Array.from({ length: 600 }, (_, index) => anEvent(`told-${index}`, '2026-11-22T11:00:00Z'))
    const kept = stillNoted([...told, anEvent('untold')], now)
    expect(kept).toHaveLength(501)
    expect([kept[0]?.id, kept.at(-1)?.id]).toEqual(['told-100', 'untold'])
  })
})
