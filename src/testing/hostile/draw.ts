import fc from 'fast-check'

/** Runs of a property, and the seed that makes the same ones twice; another one by `BERTH_TEST_SEED`. */
export const runs = (numRuns: number): { readonly seed: number; readonly numRuns: number } => ({
  seed: Number(process.env['BERTH_TEST_SEED'] ?? 7),
  numRuns,
})

export const optional = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) => fc.record(fields, { requiredKeys: [] })

/** Mostly what is meant, now and then anything: for kinds whose definition can be the tenant's own. */
export const odd = (meant: fc.Arbitrary<unknown>) =>
  fc.oneof({ arbitrary: meant, weight: 40 }, { arbitrary: fc.jsonValue(), weight: 1 })

/** One time in twenty. */
export const seldom = <T>(value: T) =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 19 }, { arbitrary: fc.constant(value), weight: 1 })

export const listOf = <T>(item: fc.Arbitrary<T>, maxLength = 2) => fc.array(item, { maxLength })

/** A map with whatever keys, `__proto__` too, which is one like any other where it comes from JSON. */
export const mapOf = <T>(keys: fc.Arbitrary<string>, values: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<Record<string, T>> =>
  listOf(fc.tuple(keys, values), maxLength).map((entries) => Object.fromEntries(entries) as Record<string, T>)
