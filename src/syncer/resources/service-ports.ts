import type { V1ServicePort } from '../pods/json-types.ts'

/** Two entries of a Service's port list that mean the same port. */
const samePort = (a: V1ServicePort, b: V1ServicePort): boolean =>
  a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP')

const nodePortOf = (ports: readonly V1ServicePort[], port: V1ServicePort): number | undefined =>
  ports.find((other) => samePort(other, port))?.nodePort || undefined

/** The node ports that a Service asks for, as one text: a super Service remembers with it which request it answers. */
export const nodePortText = (ports: readonly V1ServicePort[] = []): string => ports.map(({ nodePort }) => nodePort ?? 0).join(',')

export const hasNodePorts = (ports: readonly V1ServicePort[] = []): boolean => ports.some(({ nodePort }) => nodePort)

/** `ports` with the node ports that `others` have, where `choose` says so. */
export const withNodePorts = (
  ports: readonly V1ServicePort[],
  others: readonly V1ServicePort[],
  choose: 'missing' | 'all',
): V1ServicePort[] =>
  ports.map((port) => {
    const nodePort = nodePortOf(others, port)
    return nodePort === undefined || (choose === 'missing' && port.nodePort) ? port : { ...port, nodePort }
  })
