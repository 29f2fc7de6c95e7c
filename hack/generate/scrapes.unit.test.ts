import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

const manifests = join(import.meta.dirname, '../../manifests')

interface Port {
  readonly name?: string
  readonly port?: number
  readonly targetPort?: string
  readonly containerPort?: number
}
interface Rendered {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly clusterIP?: string
    readonly selector: Readonly<Record<string, unknown>>
    readonly ports?: readonly Port[]
    readonly endpoints?: readonly { readonly port: string }[]
    readonly podMetricsEndpoints?: readonly { readonly port: string }[]
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: { readonly containers: readonly { readonly ports?: readonly Port[] }[] }
    }
  }
}
const read = (pattern: string): readonly Rendered[] =>
  globSync(pattern, { cwd: manifests }).flatMap((path) =>
    parseAllDocuments(readFileSync(join(manifests, path), 'utf8')).flatMap(
      (document) => (document.toJS() as Rendered | null) ?? [],
    ),
  )

const deployments = read('{parts/management,options/api}/*.yaml').filter(({ kind }) => kind === 'Deployment')
const services = read('options/monitoring-services/services.yaml')
const [serviceMonitor] = read('options/monitoring-services/service-monitor.yaml')
const [podMonitor] = read('options/monitoring/pod-monitor.yaml')

/** Deployments whose pods serve metrics, by the name that they are told apart by. */
const scraped = deployments.flatMap(({ spec: { template } }) => {
  const ports = template?.spec.containers.flatMap((container) => container.ports ?? []) ?? []
  const health = ports.find(({ name }) => name === 'health')
  return health ? [{ name: template?.metadata.labels['app.kubernetes.io/name'], port: health.containerPort }] : []
})

describe('scrapes', () => {
  test('there are processes with metrics', () => expect(scraped.length).toBeGreaterThanOrEqual(3))

  test('the PodMonitor takes the pods of each of them', () => {
    const named = podMonitor?.spec.selector['matchExpressions'] as readonly { readonly values: readonly string[] }[] | undefined
    expect(new Set(named?.flatMap(({ values }) => values))).toEqual(new Set(scraped.map(({ name }) => name)))
    expect(podMonitor?.spec.podMetricsEndpoints?.map(({ port }) => port)).toEqual(['health'])
  })

  test('there is a Service without an address for each of them, with its port', () => {
    const found = services.map(({ spec }) => ({
      name: spec.selector['app.kubernetes.io/name'],
      port: spec.ports?.find(({ targetPort }) => targetPort === 'health')?.port,
    }))
    expect(found.toSorted((a, b) => String(a.name).localeCompare(String(b.name)))).toEqual(
      scraped.toSorted((a, b) => String(a.name).localeCompare(String(b.name))),
    )
    expect(services.map(({ spec }) => spec.clusterIP)).toEqual(services.map(() => 'None'))
  })

  test('the ServiceMonitor takes each of the Services by the name of its port', () => {
    const labels = Object.entries(serviceMonitor?.spec.selector['matchLabels'] as Record<string, string>)
    for (const { metadata, spec } of services) {
      expect(metadata.namespace).toBe(serviceMonitor?.metadata.namespace)
      expect(labels.every(([key, value]) => metadata.labels?.[key] === value)).toBe(true)
      expect(spec.ports?.map(({ name }) => name)).toEqual(serviceMonitor?.spec.endpoints?.map(({ port }) => port))
    }
  })
})
