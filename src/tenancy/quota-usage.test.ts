import { expect, test } from 'vitest'
import { fullestOf, quotaUsageText, readQuotaUsage } from './quota-usage.ts'

test('comes back as it was written, in one order', () => {
  const usage = { hard: { pods: '10', cpu: '4' }, used: { pods: '1', cpu: '100m' } }
  expect(readQuotaUsage(quotaUsageText(usage))).toEqual(usage)
  expect(quotaUsageText({ ...usage, hard: { cpu: '4', pods: '10' } })).toBe(quotaUsageText(usage))
})

test.for([undefined, '', 'null', '[]', '{"hard":{}}', '{"hard":{"a":1},"used":{}}', '{"hard":'])('%s is none', (text) => {
  expect(readQuotaUsage(text)).toBeUndefined()
})

test.for([
  [{ pods: '10', cpu: '4' }, { pods: '5', cpu: '2100m' }, 'cpu 2100m/4'],
  [{ b: '10', a: '10' }, { a: '1', b: '1' }, 'a 1/10'],
  // What may not be had at all is always full.
  [{ pods: '10', 'services.nodeports': '0' }, { pods: '5', 'services.nodeports': '0' }, 'services.nodeports 0/0'],
  [{}, {}, ''],
] as const)('%o with %o used: %s is nearest', ([hard, used, fullest]) => {
  expect(fullestOf({ hard, used })).toBe(fullest)
})
