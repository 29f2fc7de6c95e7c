import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReferenceIndex } from './references.ts'

test('knows at any time exactly what the latest references say', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd')
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.uniqueArray(names)), { maxLength: 40 }), (changes) => {
      const index = new ReferenceIndex()
      const model = new Map<string, readonly string[]>()
      for (const [referrer, targets] of changes) {
        const before = model.get(referrer) ?? []
        const changed = index.set(referrer, new Set(targets))
        model.set(referrer, targets)
        const wanted = [
          ...before.filter((one) => !targets.some((target) => target === one)),
          ...targets.filter((one) => !before.includes(one)),
        ]
        expect([...changed].sort()).toEqual(wanted.sort())
        for (const target of ['a', 'b', 'c', 'd']) {
          const referrers = [...model].filter(([, of]) => of.includes(target)).map(([name]) => name)
          expect([...index.referrersOf(target)].sort()).toEqual(referrers.sort())
          expect(index.isReferred(target)).toBe(referrers.length > 0)
        }
      }
    }),
  )
})
