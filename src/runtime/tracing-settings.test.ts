import { describe, expect, test } from 'vitest'
import { isTracingWanted, tracingSettings } from './tracing-settings.ts'

const at = 'http://collector:4318'

describe('tracing is wanted', () => {
  test.for<[wanted: boolean, env: Record<string, string>]>([
    [false, {}],
    [false, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    [true, { OTEL_EXPORTER_OTLP_ENDPOINT: at }],
    [true, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: at }],
    [false, { OTEL_EXPORTER_OTLP_ENDPOINT: at, OTEL_SDK_DISABLED: 'TRUE' }],
    [false, { OTEL_EXPORTER_OTLP_ENDPOINT: at, OTEL_TRACES_EXPORTER: 'none' }],
    [false, { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: at, OTEL_SERVICE_NAME: 'x' }],
  ])('%s: %j', ([wanted, env]) => expect(isTracingWanted(env)).toBe(wanted))
})

describe('which traces are kept', () => {
  test.for<[sampler: string, arg: string, ratio: number, asParent: boolean, complaints: number]>([
    ['', '', 0.5, true, 0],
    ['always_on', '', 1, false, 0],
    ['always_off', '', 0, false, 0],
    ['parentbased_always_on', '', 1, true, 0],
    ['parentbased_always_off', '', 0, true, 0],
    ['traceidratio', '0.25', 0.25, false, 0],
    ['parentbased_traceidratio', '0.1', 0.1, true, 0],
    ['parentbased_traceidratio', '', 1, true, 0],
    ['parentbased_traceidratio', '2', 1, true, 1],
    ['parentbased_traceidratio', 'half', 1, true, 1],
    ['xray', '', 0.5, true, 1],
    ['constructor', '', 0.5, true, 1],
  ])('%s %s', ([sampler, arg, ratio, asParent, complaints]) => {
    const settings = tracingSettings({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg }, { ratio: 0.5 })
    expect(settings.sampling).toEqual({ ratio, asParent })
    expect(settings.complaints).toHaveLength(complaints)
  })
})

test('a batch is no larger than the queue; what is no number is told and left', () => {
  expect(tracingSettings({ OTEL_BSP_MAX_QUEUE_SIZE: '10' })).toMatchObject({ maxQueueSize: 10, maxExportBatchSize: 10 })
  const settings = tracingSettings({ OTEL_BSP_SCHEDULE_DELAY: 'soon', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })
  expect(settings.scheduledDelayMillis).toBe(5000)
  expect(settings.complaints).toHaveLength(2)
})
