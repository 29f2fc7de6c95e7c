import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { unpackedPackage } from '../images/debian.ts'
import { run } from '../run.ts'
import { dashboardExpressions } from './dashboard.ts'

const manifest = join(import.meta.dirname, '../../manifests/options/monitoring/alerts.yaml')
let folder: string
let promtool: string

beforeAll(async () => {
  promtool = join(await unpackedPackage('prometheus'), 'usr/bin/promtool')
  folder = await mkdtemp(join(tmpdir(), 'berth-promtool-'))
  const { spec } = parse(await readFile(manifest, 'utf8'))
  await writeFile(join(folder, 'alerts.yaml'), stringify(spec))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('promtool takes the alerts', async () => {
  expect(await run(promtool, ['check', 'rules', join(folder, 'alerts.yaml')])).toMatch(/SUCCESS: \d+ rules found/)
})

test('promtool takes each expression of the dashboard', async () => {
  const rules = dashboardExpressions().map((expr, index) => ({
    record: `panel_${index}`,
    expr: expr.replaceAll(/\$(namespace|name)/g, '.*'),
  }))
  await writeFile(join(folder, 'panels.yaml'), stringify({ groups: [{ name: 'panels', rules }] }))
  expect(await run(promtool, ['check', 'rules', join(folder, 'panels.yaml')])).toContain(`SUCCESS: ${rules.length} rules found`)
})

const condition = (tenant: string, type: string, reason: string, values: string) => ({
  series: `berth_tenant_condition{tenant="${tenant}", condition="${type}", reason="${reason}"}`,
  values,
})
const fires = (alertname: string, evalTime: string, labels: readonly Record<string, string>[]) => ({
  alertname,
  eval_time: evalTime,
  // What people read is not looked at here.
  exp_alerts: labels.map((exp_labels) => ({ exp_labels })),
})

/** By name, the labels of what fires at a time. */
const firingAt = async (
  series: readonly object[],
  evalTime: string,
  alertname: string,
  expected: readonly Record<string, string>[],
) => {
  const { groups } = parse(await readFile(join(folder, 'alerts.yaml'), 'utf8')) as {
    groups: { rules: { annotations?: unknown }[] }[]
  }
  for (const { rules } of groups) for (const rule of rules) delete rule.annotations
  await writeFile(join(folder, 'bare.yaml'), stringify({ groups }))
  const tests = [{ interval: '1m', input_series: series, alert_rule_test: [fires(alertname, evalTime, expected)] }]
  await writeFile(join(folder, 'test.yaml'), stringify({ rule_files: ['bare.yaml'], evaluation_interval: '1m', tests }))
  return run(promtool, ['test', 'rules', 'test.yaml'], { cwd: folder })
}

test('a tenant that cannot be used fires after five minutes; one that is paused or goes does not', async () => {
  const series = [
    condition('broken', 'Ready', 'StoreFull', '0x20'),
    condition('paused', 'Ready', 'Paused', '0x20'),
    condition('paused', 'Paused', 'Paused', '1x20'),
    condition('going', 'Ready', 'Deleting', '0x20'),
    { series: 'berth_tenant_deletion_timestamp_seconds{tenant="going"}', values: '0x20' },
    condition('well', 'Ready', 'Usable', '1x20'),
  ]
  const labels = { severity: 'critical', tenant: 'broken', condition: 'Ready', reason: 'StoreFull' }
  expect(await firingAt(series, '4m', 'BerthTenantNotReady', [])).toContain('SUCCESS')
  expect(await firingAt(series, '6m', 'BerthTenantNotReady', [labels])).toContain('SUCCESS')
})

test('a deletion that takes ten minutes fires', async () => {
  const series = [{ series: 'berth_tenant_deletion_timestamp_seconds{tenant="going"}', values: '60x30' }]
  expect(await firingAt(series, '10m', 'BerthTenantDeletionStuck', [])).toContain('SUCCESS')
  expect(await firingAt(series, '12m', 'BerthTenantDeletionStuck', [{ severity: 'warning', tenant: 'going' }])).toContain(
    'SUCCESS',
  )
})
