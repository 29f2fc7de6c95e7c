import { expect, test } from 'vitest'
import { loadKinds, newObject, streams } from './load-kinds.ts'

test.for(streams.flatMap(({ name, kinds }) => kinds.map((kind) => ({ name: `${kind.type.plural} of ${name}`, kind }))))(
  '$name: each write says something else, and keeps the rest of what is stored',
  ({ kind }) => {
    const made = newObject(kind, 'one', 1)
    const stored = { ...made, metadata: { ...made.metadata, resourceVersion: '7', uid: 'some' }, status: { phase: 'known' } }
    const contents = [1, 2, 3, 4].map((count) => kind.contentOf(kind.written(stored, count)))
    expect(new Set(contents).size).toBe(4)
    expect(kind.contentOf(made)).toBe(contents[0])
    expect(kind.written(stored, 2)).toMatchObject({ metadata: { resourceVersion: '7', name: 'one' }, status: { phase: 'known' } })
  },
)

test('all kinds that are written are listed', () => {
  const written = new Set(streams.flatMap(({ kinds }) => kinds.map(({ type }) => type.plural)))
  expect(new Set(loadKinds.map(({ type }) => type.plural))).toEqual(written)
})
