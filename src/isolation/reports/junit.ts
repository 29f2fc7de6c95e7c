import type { CheckResult } from '../check.ts'
import { scoreOf } from '../run.ts'

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** Text for XML 1.0, which has no place for most control characters, not even escaped; an API server's message may hold any. */
export const xmlText = (text: string): string =>
  text
    .toWellFormed()
    // oxlint-disable-next-line no-control-regex -- these are what is meant
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => entities[character] ?? character)
    .replace(/\r|\n|\t/g, (character) => `&#${character.charCodeAt(0)};`)

const attributes = (of: Readonly<Record<string, string | number>>): string =>
  Object.entries(of)
    .map(([name, value]) => ` ${name}="${xmlText(String(value))}"`)
    .join('')

const outcome = ({ result, message }: CheckResult): readonly string[] => {
  switch (result) {
    case 'pass':
      return []
    case 'fail':
      return [`      <failure${attributes({ message, type: 'fail' })}/>`]
    case 'error':
      return [`      <error${attributes({ message, type: 'error' })}/>`]
    case 'not-applicable':
      return [`      <skipped${attributes({ message })}/>`]
  }
}

const testCase = (result: CheckResult): readonly string[] => {
  const { id, title, category, seconds, evidence } = result
  const seen = evidence.map(({ layer, saw }) => `${layer}: ${saw}`).join('\n')
  const inside = [...outcome(result), ...(seen ? [`      <system-out>${xmlText(seen)}</system-out>`] : [])]
  const head = `    <testcase${attributes({ name: `${id} ${title}`, classname: `isolation.${category.replace(/\W+/g, '')}`, time: seconds })}`
  return inside.length === 0 ? [`${head}/>`] : [`${head}>`, ...inside, '    </testcase>']
}

/** JUnit XML, one suite with a case for each check, for what shows test results. */
export const junitText = (
  results: readonly CheckResult[],
  { tenant, at }: { readonly tenant: string; readonly at: Date },
): string => {
  const { fail, error, notApplicable } = scoreOf(results)
  const counts = { tests: results.length, failures: fail, errors: error }
  const time = results.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3)
  const suite = {
    name: `isolation of tenant ${tenant}`,
    ...counts,
    skipped: notApplicable,
    time,
    timestamp: at.toISOString().slice(0, 19),
  }
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'berth isolation verify', ...counts, time })}>`,
    `  <testsuite${attributes(suite)}>`,
    ...results.flatMap(testCase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}
