import { type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client'
import { createHttpMetrics } from '../../src/api/http-metrics.ts'
import { createTenantMetrics } from '../../src/controlplane/tenant-metrics.ts'
import { createJobMetrics } from '../../src/jobs/job-metrics.ts'
import { createControllerMetrics } from '../../src/runtime/metrics.ts'
import { createSyncerMetrics } from '../../src/syncer/metrics.ts'
import { createAgentMetrics } from '../../src/vn-agent/metrics.ts'

type Described = MetricObjectWithValues<MetricValue<string>> & { readonly labelNames?: readonly string[] }

const processes: readonly (readonly [process: string, register: (registry: Registry) => unknown])[] = [
  ['manager', (registry) => [createControllerMetrics(registry), createTenantMetrics(registry)]],
  ['syncer', createSyncerMetrics],
  ['vn-agent', createAgentMetrics],
  ['api', createHttpMetrics],
  ['worker', (registry) => [createControllerMetrics(registry), createJobMetrics(registry)]],
]

const metricsOf = (register: (registry: Registry) => unknown): readonly Described[] => {
  const registry = new Registry()
  register(registry)
  return registry.getMetricsAsArray() as unknown as readonly Described[]
}

const typeNames: Readonly<Record<string, string>> = { Counter: 'counter', Gauge: 'gauge', Histogram: 'histogram' }

/** Names of all metrics that processes of Berth have of their own. */
export const metricNames = (): readonly string[] =>
  processes.flatMap(([, register]) => metricsOf(register).map(({ name }) => name))

/** The reference page of metrics. */
export const metricsPage = (notice: string): string => {
  const parts = processes.map(([process, register]) => {
    const rows = metricsOf(register).map((metric) => {
      const labels = (metric.labelNames ?? []).map((label) => `\`${label}\``).join(', ')
      const type = typeNames[metric.constructor.name] ?? metric.constructor.name
      return `| \`${metric.name}\` | ${type} | ${labels} | ${metric.help.replaceAll('|', '\\|')} |`
    })
    return `## ${process}\n\n| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n${rows.join('\n')}`
  })
  return `<!-- ${notice} -->
# Metrics

Each process serves \`/metrics\` in the text format of Prometheus: the manager on port 8080, the syncer on 8081, vn-agent on 10551 of its node's loopback address (another one by \`--health-host\`), API
and worker on 8080. Beside
those listed here each has Node's own (\`process_*\`, \`nodejs_*\`), and all carry the label \`process\`. \`tenant\` is the UID of a tenant; \`berth_tenant_info\` joins it with names. No label
has names of pods or other objects of tenants: their number has no bound. What is told of a tenant goes with it.

Scrapes, alerts and a dashboard: [monitoring](../how-to/monitoring.md).

${parts.join('\n\n')}
`
}
