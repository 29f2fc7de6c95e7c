import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rendezvousOwner } from './rendezvous.ts'

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 })

test('nobody owns a key without members', () => expect(rendezvousOwner('a', [])).toBeUndefined())

test('the order of the members does not matter', () => {
  fc.assert(
    fc.property(members, fc.string(), (all, key) => {
      expect(rendezvousOwner(key, [...all].reverse())).toBe(rendezvousOwner(key, all))
    }),
  )
})

test('when a member goes, only its keys move', () => {
  fc.assert(
    fc.property(members, fc.string(), fc.nat(), (all, key, which) => {
      const gone = all[which % all.length]
      const owner = rendezvousOwner(key, all)
      if (owner !== gone)
        expect(
          rendezvousOwner(
            key,
            all.filter((member) => member !== gone),
          ),
        ).toBe(owner)
    }),
  )
})

test('keys are spread evenly', () => {
  const counts = new Map<string, number>()
  for (let key = 0; key < 3000; key += 1) {
    const owner = rendezvousOwner(`tenant-${key}`, ['a', 'b', 'c']) ?? ''
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120)
})
