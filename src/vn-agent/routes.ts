import { superNamespace, type TenantRef } from '../tenancy/names.ts'

/** What a tenant's API server may ask of a kubelet's pods here. */
export type SessionKind = 'logs' | 'exec' | 'attach' | 'portforward'

/** One allowed request, in the tenant's words. Every part has passed its pattern. */
export interface AgentRoute {
  readonly kind: SessionKind
  readonly namespace: string
  readonly pod: string
  /** UID of the tenant's pod, when the path carries one. */
  readonly uid?: string
  /** Empty for port-forward, which means the whole pod. */
  readonly container: string
  /** Query for super's API, encoded, without `?`. */
  readonly superQuery: string
  /** The same for a kubelet. */
  readonly kubeletQuery: string
  /** Command of an exec, decoded, for the log line only. */
  readonly command: readonly string[]
}

export type RouteAnswer =
  | { readonly kind: 'route'; readonly route: AgentRoute }
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly message: string }

/** One body for all that is not there: what is unknown, what is not served and what belongs to another tenant look the same. */
export const notFound = { kind: 'refused', status: 404, message: 'not found' } as const

// A whole `kubectl exec -- sh -c <script>` lies in the query; Linux takes no argument above 128 KiB, people stay far below.
const maxUrlLength = 32 * 1024
const maxParameters = 1024

const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const dnsSubdomain = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)*$/
const podUid = /^[0-9a-zA-Z](?:[-0-9a-zA-Z]{0,62}[0-9a-zA-Z])?$/

/** Reads one option: the value for super's API, encoded; undefined when the value is not allowed; '' to leave the option out. */
type ReadOption = (encoded: string) => string | undefined

interface Option {
  /** Name in super's API. */
  readonly superName: string
  readonly many?: true
  readonly read: ReadOption
  /** What a kubelet takes for the value; the same when not given. */
  readonly forKubelet?: (value: string) => string
}

const decode = (encoded: string): string | undefined => {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

const flag: ReadOption = (encoded) => (/^(?:1|true)$/.test(encoded) ? 'true' : /^(?:0|false|)$/.test(encoded) ? '' : undefined)
const count: ReadOption = (encoded) => (/^[0-9]{1,18}$/.test(encoded) ? encoded : undefined)
const time: ReadOption = (encoded) => {
  const text = decode(encoded) ?? ''
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text)
  return isTime ? encodeURIComponent(text) : undefined
}
// `All` is the default; left out, so that a super too old for the option still serves the request.
const logStream: ReadOption = (encoded) => (encoded === 'All' ? '' : /^(?:Stdout|Stderr)$/.test(encoded) ? encoded : undefined)
/** Kept byte for byte as it came: arguments need not be UTF-8. */
const argument: ReadOption = (encoded) => encoded
const ports: ReadOption = (encoded) => {
  const list = (decode(encoded) ?? '').split(',')
  return list.every((port) => /^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535) ? list.join('&ports=') : undefined
}

/** A kubelet's streams know `1` and nothing else for yes. */
const one = (): string => '1'

const logOptions: Readonly<Record<string, Option>> = {
  follow: { superName: 'follow', read: flag },
  previous: { superName: 'previous', read: flag },
  timestamps: { superName: 'timestamps', read: flag },
  sinceSeconds: { superName: 'sinceSeconds', read: count },
  sinceTime: { superName: 'sinceTime', read: time },
  tailLines: { superName: 'tailLines', read: count },
  limitBytes: { superName: 'limitBytes', read: count },
  stream: { superName: 'stream', read: logStream },
}
const streamOptions: Readonly<Record<string, Option>> = {
  input: { superName: 'stdin', read: flag, forKubelet: one },
  output: { superName: 'stdout', read: flag, forKubelet: one },
  error: { superName: 'stderr', read: flag, forKubelet: one },
  tty: { superName: 'tty', read: flag, forKubelet: one },
}
const execOptions = { ...streamOptions, command: { superName: 'command', many: true, read: argument } } as const
const portForwardOptions = {
  port: { superName: 'ports', many: true, read: ports, forKubelet: (list: string) => list.replaceAll('&ports=', ',') },
} as const

interface Shape {
  readonly kind: SessionKind
  readonly methods: readonly string[]
  readonly hasContainer: boolean
  readonly mayHaveUid: boolean
  readonly options: Readonly<Record<string, Option>>
}

const stream = ['GET', 'POST'] as const

/** First path segment, as the kubelet names it -> what is allowed below it. */
const shapes: Readonly<Record<string, Shape>> = {
  containerLogs: { kind: 'logs', methods: ['GET'], hasContainer: true, mayHaveUid: false, options: logOptions },
  exec: { kind: 'exec', methods: stream, hasContainer: true, mayHaveUid: true, options: execOptions },
  attach: { kind: 'attach', methods: stream, hasContainer: true, mayHaveUid: true, options: streamOptions },
  portForward: { kind: 'portforward', methods: stream, hasContainer: false, mayHaveUid: true, options: portForwardOptions },
}

const readPath = (
  shape: Shape,
  parts: readonly string[],
): Omit<AgentRoute, 'superQuery' | 'kubeletQuery' | 'command'> | undefined => {
  const [namespace = '', pod = '', ...rest] = parts
  const container = shape.hasContainer ? (rest.pop() ?? '') : ''
  if (rest.length > (shape.mayHaveUid ? 1 : 0)) return undefined
  const [uid] = rest
  if (!dnsLabel.test(namespace) || !dnsSubdomain.test(pod)) return undefined
  if (shape.hasContainer && !dnsLabel.test(container)) return undefined
  if (uid !== undefined && !podUid.test(uid)) return undefined
  return { kind: shape.kind, namespace, pod, container, ...(uid !== undefined && { uid }) }
}

const encodedValue = /^(?:[-A-Za-z0-9._~+*!'():@,/$=]|%[0-9A-Fa-f]{2})*$/

type QueryAnswer =
  | {
      readonly kind: 'query'
      readonly forSuper: readonly string[]
      readonly forKubelet: readonly string[]
      readonly command: readonly string[]
    }
  | Extract<RouteAnswer, { kind: 'refused' }>

const badOption = (message: string): QueryAnswer => ({ kind: 'refused', status: 400, message })

const readQuery = (shape: Shape, query: string): QueryAnswer => {
  const forSuper: string[] = []
  const forKubelet: string[] = []
  const command: string[] = []
  const seen = new Set<string>()
  const pairs = query === '' ? [] : query.split('&')
  if (pairs.length > maxParameters) return notFound
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const name = at < 0 ? pair : pair.slice(0, at)
    const value = at < 0 ? '' : pair.slice(at + 1)
    if (!/^[A-Za-z]{1,32}$/.test(name) || !encodedValue.test(value)) return notFound
    const option = Object.hasOwn(shape.options, name) ? shape.options[name] : undefined
    if (!option) return badOption(`option ${name} is not supported here`)
    if (seen.has(name) && !option.many) return notFound
    seen.add(name)
    const superValue = option.read(value)
    if (superValue === undefined) return badOption(`option ${name} has a value that is not allowed`)
    if (option === execOptions.command) command.push(decode(value) ?? value)
    if (superValue === '' && !option.many) continue
    forSuper.push(`${option.superName}=${superValue}`)
    forKubelet.push(`${name}=${option.forKubelet ? option.forKubelet(superValue) : superValue}`)
  }
  return { kind: 'query', forSuper, forKubelet, command }
}

/** Reads a request line as a kubelet would, and refuses all that is not in the table. `url` is the raw request target. */
export const agentRoute = (method: string, url: string): RouteAnswer => {
  if (url.length > maxUrlLength || !url.startsWith('/')) return notFound
  const at = url.indexOf('?')
  const [first = '', ...parts] = (at < 0 ? url : url.slice(0, at)).slice(1).split('/')
  const shape = Object.hasOwn(shapes, first) ? shapes[first] : undefined
  if (!shape?.methods.includes(method)) return notFound
  const path = readPath(shape, parts)
  if (!path) return notFound
  const query = readQuery(shape, at < 0 ? '' : url.slice(at + 1))
  if (query.kind === 'refused') return query
  const container = path.container === '' ? [] : [`container=${path.container}`]
  return {
    kind: 'route',
    route: {
      ...path,
      superQuery: [...container, ...query.forSuper].join('&'),
      kubeletQuery: query.forKubelet.join('&'),
      command: query.command,
    },
  }
}

const subresources: Readonly<Record<SessionKind, string>> = {
  logs: 'log',
  exec: 'exec',
  attach: 'attach',
  portforward: 'portforward',
}

/** Path and query in super's API. */
export const superPath = (route: AgentRoute, tenant: Pick<TenantRef, 'uid' | 'name'>): string => {
  const path = `/api/v1/namespaces/${superNamespace(tenant, route.namespace)}/pods/${route.pod}/${subresources[route.kind]}`
  return route.superQuery === '' ? path : `${path}?${route.superQuery}`
}

const kubeletSegments: Readonly<Record<SessionKind, string>> = {
  logs: 'containerLogs',
  exec: 'exec',
  attach: 'attach',
  portforward: 'portForward',
}

/** Path and query at a kubelet. The UID stays behind: it is the tenant's, and has been compared. */
export const kubeletPath = (route: AgentRoute, namespace: string): string => {
  const container = route.container === '' ? '' : `/${route.container}`
  const path = `/${kubeletSegments[route.kind]}/${namespace}/${route.pod}${container}`
  return route.kubeletQuery === '' ? path : `${path}?${route.kubeletQuery}`
}
