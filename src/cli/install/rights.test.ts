import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Account, accounts, allGrantedRights } from '../../testing/granted-rights.ts'
import witnesses from '../../testing/rights-seen.json' with { type: 'json' }
import { unauditedRights } from '../../testing/unaudited-rights.ts'

// What the manifests grant is what tests see used, right by right. `node hack/rights.ts` runs those tests and writes down who saw what; while they run, as
// in every integration test, an API server that had to refuse Berth a right fails the test (src/testing/api-server.ts).
const root = join(import.meta.dirname, '../../..')
const granted = await allGrantedRights()
const rightsOf = (account: Account): readonly string[] => (granted.get(account) ?? []).map(({ right }) => right)

const seen = (account: Account): Readonly<Record<string, string>> =>
  (witnesses as Record<string, Record<string, string>>)[account] ?? {}
const unaudited = (account: Account): string[] =>
  unauditedRights.filter((row) => row.account === account).flatMap(({ rights }) => rights)

describe('rights', () => {
  test('are of known accounts, and have no wildcards', () => {
    expect([...granted.keys()].toSorted()).toEqual([...accounts].toSorted())
    expect(accounts.flatMap(rightsOf).filter((right) => right.includes('*'))).toEqual([])
  })

  test.for(accounts)('of %s are each seen used by a test', (account) => {
    expect(rightsOf(account).length).toBeGreaterThan(3)
    const known = new Set([...Object.keys(seen(account)), ...unaudited(account)])
    expect(rightsOf(account).filter((right) => !known.has(right))).toEqual([])
  })

  test.for(accounts)('of %s that a test uses are granted', (account) => {
    const all = new Set(rightsOf(account))
    expect([...Object.keys(seen(account)), ...unaudited(account)].filter((right) => !all.has(right))).toEqual([])
  })

  test('have witnesses that are there, and one each', () => {
    const files = new Set([
      ...accounts.flatMap((account) => Object.values(seen(account))),
      ...unauditedRights.map(({ test: file }) => file),
    ])
    expect([...files].filter((file) => !existsSync(join(root, file)))).toEqual([])
    const twice = accounts.flatMap((account) => unaudited(account).filter((right) => seen(account)[right] !== undefined))
    expect(twice).toEqual([])
  })
})
