import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { conditionTypes, passingConditionTypes } from '../../src/apis/conditions.ts'
import { dashboardExpressions } from './dashboard.ts'
import { metricNames } from './metrics-page.ts'

const root = join(import.meta.dirname, '../..')
interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}
const groups: readonly { rules: readonly Rule[] }[] = parse(
  readFileSync(join(root, 'manifests/options/monitoring/alerts.yaml'), 'utf8'),
).spec.groups
const alerts = groups.flatMap(({ rules }) => rules)
const expressions = [...alerts.map(({ expr }) => expr), ...dashboardExpressions()]

test('alerts and dashboard ask only for metrics and conditions that there are', () => {
  const names = new Set(metricNames())
  const asked = expressions.flatMap((expr) => [...expr.matchAll(/\bberth_[a-z_]+/g)].map(([name]) => name))
  expect(asked.length).toBeGreaterThan(30)
  expect(asked.filter((name) => !names.has(name) && !names.has(name.replace(/_(bucket|count|sum)$/, '')))).toEqual([])
  const conditions = expressions.flatMap((expr) => [...expr.matchAll(/condition="(\w+)"/g)].map(([, name = '']) => name))
  const known: readonly string[] = [...conditionTypes, ...passingConditionTypes]
  expect(conditions.filter((name) => !known.includes(name))).toEqual([])
})

test.for(alerts.map((alert) => [alert.alert, alert] as const))('%s leads to a page that there is', ([, { annotations }]) => {
  expect(Object.keys(annotations).sort()).toEqual(['description', 'runbook', 'summary'])
  expect(existsSync(join(root, annotations['runbook'] ?? ''))).toBe(true)
})
