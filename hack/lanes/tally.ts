import { basename } from 'node:path'

/** How many checks held and how many did not. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  /** What did not hold, by name: as many as `failed`. */
  readonly failures: readonly string[]
}

export const nothing: Tally = { passed: 0, failed: 0, failures: [] }
export const onePassed: Tally = { passed: 1, failed: 0, failures: [] }
export const oneFailed = (name: string): Tally => ({ passed: 0, failed: 1, failures: [name] })

export const sum = (tallies: readonly Tally[]): Tally => ({
  passed: tallies.reduce((total, { passed }) => total + passed, 0),
  failed: tallies.reduce((total, { failed }) => total + failed, 0),
  failures: tallies.flatMap(({ failures }) => failures),
})

export const tallyWords = ({ passed, failed }: Tally): string => `${passed} passed, ${failed} failed`

/** More names than this help nobody: what they have in common is in the output above. */
const mostNamed = 40

/** The names of what failed, a line each, for the end of a run whose output is long: who sees its end only knows where to look. */
export const failureLines = ({ failures }: Tally): string[] => [
  ...failures.slice(0, mostNamed).map((name) => `FAILED  ${name}`),
  ...(failures.length > mostNamed ? [`FAILED  and ${failures.length - mostNamed} more`] : []),
]

/** What counts in vitest's JSON report. Skipped tests are pending there, and those to be written are todo. */
interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  readonly numPendingTests?: number
  readonly numTodoTests?: number
  readonly testResults?: readonly TestFile[]
}

interface TestFile {
  readonly name?: string
  readonly assertionResults?: readonly { readonly status?: string; readonly fullName?: string }[]
}

const failedTests = (files: readonly TestFile[]): string[] =>
  files.flatMap(({ name = '', assertionResults = [] }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName = '' }) => `${basename(name)}: ${fullName}`),
  )

/**
 * What vitest's JSON report says. A run that broke without a failed test, or found none, or left no report, is one failure. A file may skip all its tests where a
 * provider cannot have them: that is nothing.
 * @param name is what the run is called when it failed without a failed test.
 * @param report is the text of the report; undefined when there is none.
 * @param ok says whether vitest ended well.
 */
export const tallyOfReport = (name: string, report: string | undefined, ok: boolean): Tally => {
  try {
    const {
      numPassedTests: passed = 0,
      numFailedTests: failed = 0,
      numPendingTests: skipped = 0,
      numTodoTests: todo = 0,
      testResults = [],
    } = JSON.parse(report ?? '{}') as Report
    if (failed > 0) return { passed, failed, failures: failedTests(testResults) }
    const ranNone = passed + skipped + todo === 0
    return !ok || ranNone ? { ...oneFailed(`${name}: broke outside of its tests`), passed } : { ...nothing, passed }
  } catch {
    return oneFailed(`${name}: left half a report`) // cut off while it was written
  }
}
