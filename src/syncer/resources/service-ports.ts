import type { AppError } from '../../lib/errors.ts'
import type { V1ServicePort, V1ServiceSpec } from '../pods/json-types.ts'

/** Two entries of a Service's port list that mean the same port. */
const samePort = (a: V1ServicePort, b: V1ServicePort): boolean =>
  a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP')

const nodePortOf = (ports: readonly V1ServicePort[], port: V1ServicePort): number | undefined =>
  ports.find((other) => samePort(other, port))?.nodePort || undefined

/**
 * The ports of nodes that a Service asks for, as one text: a super Service remembers with it which request it answers. Undefined when it asks for none.
 */
export const askedPortsText = ({ ports = [], healthCheckNodePort }: V1ServiceSpec): string | undefined => {
  if (!healthCheckNodePort && !ports.some(({ nodePort }) => nodePort)) return undefined
  const nodePorts = ports.map(({ nodePort }) => nodePort ?? 0).join(',')
  return healthCheckNodePort ? `${nodePorts};${healthCheckNodePort}` : nodePorts
}

/** `ports` with the node ports that `others` have, where `choose` says so: for ports that have none, or for all that have one. */
export const withNodePorts = (
  ports: readonly V1ServicePort[],
  others: readonly V1ServicePort[],
  choose: 'missing' | 'all',
): V1ServicePort[] =>
  ports.map((port) => {
    const nodePort = nodePortOf(others, port)
    return nodePort === undefined || (choose === 'missing' && port.nodePort) ? port : { ...port, nodePort }
  })

/** Node ports that differ between two lists of the same ports, as pairs. */
export const changedNodePorts = (
  before: readonly V1ServicePort[],
  after: readonly V1ServicePort[],
): (readonly [before: number, after: number])[] =>
  before.flatMap(({ nodePort = 0 }, index) => {
    const now = after[index]?.nodePort ?? 0
    return now === nodePort ? [] : [[nodePort, now] as const]
  })

const takenField = /^spec\.ports\[(\d+)\]\.nodePort$/

/** For a health check port that is taken the API server names no field; one that it has given already it does not change. */
const healthPortRefused = /failed to allocate requested HealthCheck NodePort|^spec\.healthCheckNodePort$/

/** What an API server found fault with: names of fields and messages. */
const faultsOf = ({ details }: AppError): string[] =>
  Array.isArray(details['causes'])
    ? details['causes']
        .flatMap(({ field, message }: { field?: unknown; message?: unknown }) => [field, message])
        .filter((fault) => typeof fault === 'string')
    : []

/** What is left to ask for when super has given a port of the nodes to somebody else: it chooses that one itself. Undefined when no such port is at fault. */
export const withoutTakenPorts = (spec: V1ServiceSpec, error: AppError): V1ServiceSpec | undefined => {
  const faults = faultsOf(error)
  const taken = new Set(faults.flatMap((field) => takenField.exec(field)?.slice(1).map(Number) ?? []))
  const ports = (spec.ports ?? []).map((port, index): V1ServicePort => {
    if (!taken.has(index)) return port
    const { nodePort: _taken, ...rest } = port
    return rest
  })
  const { healthCheckNodePort, ...rest } = spec
  const isHealthPortTaken = Boolean(healthCheckNodePort) && faults.some((message) => healthPortRefused.test(message))
  const isSame = !isHealthPortTaken && ports.every((port, index) => port.nodePort === spec.ports?.[index]?.nodePort)
  if (isSame) return undefined
  return { ...(isHealthPortTaken ? rest : spec), ...(spec.ports && { ports }) }
}
