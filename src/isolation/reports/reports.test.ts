import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import type { CheckResult, Result } from '../check.ts'
import { junitText, xmlText } from './junit.ts'
import { policyReport } from './policy-report.ts'

const at = new Date('2026-11-23T04:05:06Z')
const tenant = { name: 'acme', namespace: 'tenants', uid: 'u-1' }
const result = (id: string, is: Result, message = 'm'): CheckResult => ({
  id,
  title: `title of ${id}`,
  category: 'Host Isolation',
  origin: 'published',
  result: is,
  message,
  evidence: [{ layer: 'super', saw: 'refuses it' }],
  seconds: 1.5,
})
const four = [result('A', 'pass'), result('B', 'fail', '<"&\'>\n\u0000'), result('C', 'error'), result('D', 'not-applicable')]

describe('junitText', () => {
  const text = junitText(four, { tenant: 'acme', at })

  test('has a case for each check, and counts as the schema of JUnit has them', () => {
    expect(text).toContain('<testsuites name="berth isolation verify" tests="4" failures="1" errors="1" time="6.000">')
    expect(text).toContain(
      '<testsuite name="isolation of tenant acme" tests="4" failures="1" errors="1" skipped="1" time="6.000" timestamp="2026-11-23T04:05:06">',
    )
    expect(text.match(/<testcase name="[A-D] title of [A-D]" classname="isolation.HostIsolation" time="1.5">/g)).toHaveLength(4)
    expect(text.match(/<failure /g)).toHaveLength(1)
    expect(text.match(/<error /g)).toHaveLength(1)
    expect(text.match(/<skipped /g)).toHaveLength(1)
  })

  test('is well-formed whatever an API server says', () => {
    expect(text).toContain('<failure message="&lt;&quot;&amp;&apos;&gt;&#10;\ufffd" type="fail"/>')
    const open = [...text.matchAll(/<(\/?)([a-z-]+)[^<>]*?(\/?)>/g)]
    const stack: string[] = []
    for (const [, closes, name = '', isEmpty] of open) {
      if (closes) expect(stack.pop()).toBe(name)
      else if (!isEmpty) stack.push(name)
    }
    expect(stack).toEqual([])
  })

  test('has no half of a surrogate pair', () => {
    expect(xmlText('a\ud800b')).toBe('a\ufffdb')
  })
})

const count = z.int().min(0)
/** As the CRD of wgpolicyk8s.io/v1alpha2 has it, for the fields that are written. */
const schema = z.strictObject({
  apiVersion: z.literal('wgpolicyk8s.io/v1alpha2'),
  kind: z.literal('PolicyReport'),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/), namespace: z.string() }),
  scope: z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string(), namespace: z.string(), uid: z.string() }),
  summary: z.strictObject({ pass: count, fail: count, warn: count, error: count, skip: count }),
  results: z.array(
    z.strictObject({
      source: z.string(),
      policy: z.string(),
      rule: z.string(),
      category: z.string(),
      result: z.enum(['pass', 'fail', 'warn', 'error', 'skip']),
      message: z.string(),
      timestamp: z.strictObject({ seconds: z.int(), nanos: z.int() }),
      properties: z.record(z.string(), z.string()),
    }),
  ),
})

describe('policyReport', () => {
  test('is one, also as YAML', () => {
    const report = schema.parse(parse(stringify(policyReport(four, { tenant, at }))))
    expect(report.summary).toEqual({ pass: 1, fail: 1, warn: 0, error: 1, skip: 1 })
    expect(report.results.map(({ policy, result: is }) => `${policy} ${is}`)).toEqual(['A pass', 'B fail', 'C error', 'D skip'])
    expect(report.scope.name).toBe('acme')
  })

  test('has a name that can be one, however long that of the tenant is', () => {
    expect(() => schema.parse(policyReport(four, { tenant: { ...tenant, name: `${'a'.repeat(52)}-bcdefgh` }, at }))).not.toThrow()
  })
})
