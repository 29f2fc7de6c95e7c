import { stringify } from 'yaml'

interface Panel {
  readonly title: string
  readonly unit: 'short' | 's' | 'ops' | 'bytes' | 'percentunit'
  readonly queries: readonly (readonly [legend: string, expr: string])[]
}

/** Only tenants that are chosen; the join gives a UID its name. */
const named = (expr: string): string =>
  `(${expr}) * on (tenant) group_left (namespace, name) berth_tenant_info{namespace=~"$namespace", name=~"$name"}`
const tenantName = '{{namespace}}/{{name}}'

const rows: readonly (readonly [title: string, panels: readonly Panel[]])[] = [
  [
    'Tenants',
    [
      {
        title: 'Tenants by state',
        unit: 'short',
        queries: [
          ['{{state}}', 'sum by (state) (berth_tenant_info)'],
          ['ready', 'sum(berth_tenant_condition{condition="Ready"} == 1)'],
        ],
      },
      {
        title: 'Not ready, by reason',
        unit: 'short',
        queries: [['{{reason}}', 'count by (reason) (berth_tenant_condition{condition="Ready"} < 1)']],
      },
      {
        title: 'Created to usable',
        unit: 's',
        queries: [
          ['median', 'quantile(0.5, berth_tenant_ready_after_seconds)'],
          ['p99', 'quantile(0.99, berth_tenant_ready_after_seconds)'],
        ],
      },
      {
        title: 'Age of the newest snapshot',
        unit: 's',
        queries: [[tenantName, named('time() - berth_tenant_snapshot_timestamp_seconds')]],
      },
    ],
  ],
  [
    'Syncing',
    [
      {
        title: 'Latency of a change, p99',
        unit: 's',
        queries: [
          [tenantName, named('histogram_quantile(0.99, sum by (tenant, le) (rate(berth_syncer_latency_seconds_bucket[5m])))')],
        ],
      },
      {
        title: 'Oldest change that waits',
        unit: 's',
        queries: [[tenantName, named('berth_syncer_queue_oldest_seconds')]],
      },
      {
        title: 'Changes worked off',
        unit: 'ops',
        queries: [[tenantName, named('sum by (tenant) (rate(berth_syncer_syncs_total[5m]))')]],
      },
      {
        title: 'Failures by error',
        unit: 'ops',
        queries: [['{{result}}', 'sum by (result) (rate(berth_syncer_syncs_total{result!="ok"}[5m]))']],
      },
      {
        title: 'Mended by the patrol',
        unit: 'short',
        queries: [[tenantName, named('sum by (tenant) (increase(berth_syncer_drift_total[1h]))')]],
      },
      {
        title: 'Unreachable or frozen',
        unit: 'short',
        queries: [
          [`unreachable ${tenantName}`, named('berth_syncer_tenant_unreachable')],
          [`frozen ${tenantName}`, named('berth_syncer_tenant_frozen')],
        ],
      },
    ],
  ],
  [
    'Processes',
    [
      {
        title: 'Reconciles, p99',
        unit: 's',
        queries: [
          ['{{controller}}', 'histogram_quantile(0.99, sum by (controller, le) (rate(berth_reconcile_seconds_bucket[5m])))'],
        ],
      },
      {
        title: 'Failed reconciles',
        unit: 'ops',
        queries: [['{{controller}}', 'sum by (controller) (rate(berth_reconcile_errors_total[5m]))']],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [['{{process}} {{pod}}', 'process_resident_memory_bytes{process=~"manager|syncer"}']],
      },
      {
        title: 'CPU',
        unit: 'percentunit',
        queries: [['{{process}} {{pod}}', 'rate(process_cpu_seconds_total{process=~"manager|syncer"}[5m])']],
      },
    ],
  ],
]

const datasource = { type: 'prometheus', uid: '${datasource}' }
const panelHeight = 8
const perLine = 3

const variable = (name: string, query: string) => ({
  name,
  type: 'query',
  datasource,
  query: { query, refId: name },
  refresh: 2,
  includeAll: true,
  multi: true,
  allValue: '.*',
  current: { text: 'All', value: '$__all' },
})

const panels = () => {
  let y = 0
  let id = 0
  return rows.flatMap(([title, ofRow]) => {
    const head = { id: ++id, type: 'row', title, gridPos: { h: 1, w: 24, x: 0, y }, collapsed: false, panels: [] }
    y += 1
    const drawn = ofRow.map((panel, index) => ({
      id: ++id,
      type: 'timeseries',
      title: panel.title,
      datasource,
      gridPos: {
        h: panelHeight,
        w: 24 / perLine,
        x: (index % perLine) * (24 / perLine),
        y: y + Math.floor(index / perLine) * panelHeight,
      },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      targets: panel.queries.map(([legendFormat, expr], query) => ({
        refId: String.fromCharCode(65 + query),
        datasource,
        expr,
        legendFormat,
      })),
    }))
    y += Math.ceil(ofRow.length / perLine) * panelHeight
    return [head, ...drawn]
  })
}

/** Every expression of the dashboard. */
export const dashboardExpressions = (): readonly string[] =>
  rows.flatMap(([, ofRow]) => ofRow.flatMap(({ queries }) => queries.map(([, expr]) => expr)))

/** A ConfigMap with the dashboard, under the label by which Grafana's side-car finds it. */
export const dashboardManifest = (notice: string): string => {
  const dashboard = {
    uid: 'berth',
    title: 'Berth',
    tags: ['berth'],
    schemaVersion: 39,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        variable('namespace', 'label_values(berth_tenant_info, namespace)'),
        variable('name', 'label_values(berth_tenant_info{namespace=~"$namespace"}, name)'),
      ],
    },
    panels: panels(),
  }
  const labels = { 'app.kubernetes.io/managed-by': 'berth', grafana_dashboard: '1' }
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'berth-dashboard', namespace: 'berth-system', labels },
    data: { 'berth.json': `${JSON.stringify(dashboard, undefined, 2)}\n` },
  }
  return `# ${notice}\n${stringify(object, { lineWidth: 0 })}`
}
