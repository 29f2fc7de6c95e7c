import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hostileAnswers } from '../../src/testing/hostile-server.ts'

const root = join(import.meta.dirname, '../..')
const pages = globSync('docs/security/*.md', { cwd: root })
/** Paths from the root, as those pages name tests and other pages. */
const named = (page: string): readonly string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/`((?:src|e2e|hack|chaos|bench|docs)\/[\w./-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  )

test('pages on security name many tests', () => {
  expect(pages.length).toBeGreaterThanOrEqual(3)
  expect(new Set(pages.flatMap(named)).size).toBeGreaterThan(60)
})

test.for(pages)('%s names only files that there are', (page) => {
  expect(named(page).filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test.for(globSync('e2e/attacks/*.e2e.ts', { cwd: root }))('%s is spoken of', (path) => {
  expect(pages.flatMap(named)).toContain(path)
})

interface Row {
  readonly number: number
  readonly where: string
}

const coverage = 'docs/security/coverage.md'
const rows: readonly Row[] = [...readFileSync(join(root, coverage), 'utf8').matchAll(/^\| (\d+) \| [^|]+ \| (.+) \|$/gm)].map(
  ([, number, where = '']) => ({ number: Number(number), where }),
)
/** Of our study's 86 those that are add-ons, or that a page alone would answer. */
const leftOut: readonly number[] = [35, 48, 50, 61, 63, 65, 72, 73, 74, 76, 77, 78]

test('each thing that is asked for has one row, in order', () => {
  const wanted = Array.from({ length: 86 }, (_, at) => at + 1).filter((number) => !leftOut.includes(number))
  expect(rows.map(({ number }) => number)).toEqual(wanted)
})

test('each row names a test or a page, another row that does, or says that it is not built', () => {
  const isShown = ({ where }: Row): boolean => {
    const others = [...(/\brows? ([\d, and]+)/.exec(where)?.[1] ?? '').matchAll(/\d+/g)].map(([number]) => Number(number))
    return (
      /`(src|e2e|docs)\/[^`]+`/.test(where) ||
      where.startsWith('not built') ||
      (others.length > 0 && others.every((number) => rows.some((row) => row.number === number)))
    )
  }
  expect(rows.filter((row) => !isShown(row) || /no test in this folder/.test(row.where))).toEqual([])
})

test('attempts are as many as it says, where they stand in one list', () => {
  const said = Number(
    /hostile-server\.integration\.test\.ts` \| [^|]+ \| (\d+) \|/.exec(readFileSync(join(root, coverage), 'utf8'))?.[1],
  )
  expect(hostileAnswers('https://elsewhere.invalid')).toHaveLength(said)
})
