/** How many checks held and how many did not. */
export interface Tally {
  readonly passed: number
  readonly failed: number
}

export const nothing: Tally = { passed: 0, failed: 0 }
export const oneFailed: Tally = { passed: 0, failed: 1 }

export const sum = (tallies: readonly Tally[]): Tally => ({
  passed: tallies.reduce((total, { passed }) => total + passed, 0),
  failed: tallies.reduce((total, { failed }) => total + failed, 0),
})

export const tallyWords = ({ passed, failed }: Tally): string => `${passed} passed, ${failed} failed`

/** What counts in vitest's JSON report. Skipped tests are pending there, and those to be written are todo. */
interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  readonly numPendingTests?: number
  readonly numTodoTests?: number
}

/**
 * What vitest's JSON report says. A run that broke without a failed test, or found none, or left no report, is one failure. A file may skip all its tests where a
 * provider cannot have them: that is nothing.
 * @param report is the text of the report; undefined when there is none.
 * @param ok says whether vitest ended well.
 */
export const tallyOfReport = (report: string | undefined, ok: boolean): Tally => {
  try {
    const {
      numPassedTests: passed = 0,
      numFailedTests: failed = 0,
      numPendingTests: skipped = 0,
      numTodoTests: todo = 0,
    } = JSON.parse(report ?? '{}') as Report
    const ranNone = passed + skipped + todo === 0
    return { passed, failed: (!ok || ranNone) && failed === 0 ? 1 : failed }
  } catch {
    return oneFailed // cut off while it was written
  }
}
