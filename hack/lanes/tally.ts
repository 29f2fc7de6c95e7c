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

/**
 * What vitest's JSON report says. A run that broke without a failed test, or ran none, or left no report, is one failure.
 * @param report is the text of the report; undefined when there is none.
 * @param ok says whether vitest ended well.
 */
export const tallyOfReport = (report: string | undefined, ok: boolean): Tally => {
  try {
    const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = JSON.parse(report ?? '{}') as {
      numPassedTests?: number
      numFailedTests?: number
    }
    return { passed, failed: (!ok || passed === 0) && failed === 0 ? 1 : failed }
  } catch {
    return oneFailed // cut off while it was written
  }
}
