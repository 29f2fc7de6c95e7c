import { expect, test } from 'vitest'
import { compareResourceVersions } from './resource-version.ts'

test.for<[a: string | undefined, b: string | undefined, wanted: number | undefined]>([
  ['9', '10', -1],
  ['10', '9', 1],
  ['10', '10', 0],
  ['9007199254740993', '9007199254740992', 1],
  ['99999999999999999999', '100000000000000000000', -1],
  ['0', '1', undefined],
  ['01', '1', undefined],
  ['a', '1', undefined],
  ['', '1', undefined],
  [undefined, '1', undefined],
])('%j against %j is %j', ([a, b, wanted]) => expect(compareResourceVersions(a, b)).toBe(wanted))
