/** Variables of OpenTelemetry that processes go by, and what they mean here. The reference of settings is made of it. */
export const tracingVariables: readonly (readonly [name: string, meaning: string])[] = [
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'where traces go, by OTLP over HTTP: `/v1/traces` is added. Without it, and without the next, nothing is traced',
  ],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'the same, as the whole URL'],
  ['OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'headers to send along, `name=value` by commas'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT, OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'ms until an export is given up; default 10000'],
  ['OTEL_SERVICE_NAME', 'default `berth-manager`, `berth-syncer`, `berth-api`'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'more about the process, `name=value` by commas'],
  [
    'OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG',
    'which traces are kept; default `parentbased_always_on`, and in the syncer a hundredth of its own. `parentbased_traceidratio` with `0.1` keeps a tenth',
  ],
  ['OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_SCHEDULE_DELAY', 'spans that wait for their export, and ms between exports'],
  ['OTEL_SDK_DISABLED', '`true`: nothing is traced, whatever the others say'],
]
