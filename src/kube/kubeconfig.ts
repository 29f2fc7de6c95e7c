import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { AppError, explainError } from '../lib/errors.ts'
import type { KubeConnection } from './client.ts'
import { tokenFile } from './token-file.ts'

const clusterSchema = z.looseObject({
  server: z.string(),
  'certificate-authority-data': z.string().optional(),
  'certificate-authority': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
})
const userSchema = z.looseObject({
  'client-certificate-data': z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-key-data': z.string().optional(),
  'client-key': z.string().optional(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  username: z.string().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
  as: z.unknown().optional(),
})
const schema = z.looseObject({
  'current-context': z.string().optional(),
  clusters: z.array(z.looseObject({ name: z.string(), cluster: clusterSchema })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: userSchema.nullish() })).nullish(),
  contexts: z
    .array(z.looseObject({ name: z.string(), context: z.looseObject({ cluster: z.string(), user: z.string().optional() }) }))
    .nullish(),
})

type Cluster = z.infer<typeof clusterSchema>
type User = z.infer<typeof userSchema>

const invalid = (message: string, details: { cause?: unknown } = {}) => new AppError('CONFIG_INVALID', message, details)

/** The cluster and user of a context. Throws CONFIG_INVALID and never quotes the text, which holds keys. */
const select = (text: string, contextName?: string): { cluster: Cluster; user: User; context: string } => {
  let document: unknown
  try {
    document = parse(text)
  } catch {
    throw invalid('the kubeconfig is not YAML')
  }
  const config = schema.safeParse(document)
  if (!config.success)
    throw invalid(`the kubeconfig is not one: ${config.error.issues.map(({ path }) => path.join('.')).join(', ')}`)
  const wanted = contextName ?? config.data['current-context']
  if (!wanted) throw invalid('the kubeconfig has no current-context: name a context')
  const context = config.data.contexts?.find(({ name }) => name === wanted)?.context
  if (!context) throw invalid(`the kubeconfig has no context ${JSON.stringify(wanted)}`)
  const cluster = config.data.clusters?.find(({ name }) => name === context.cluster)?.cluster
  if (!cluster) throw invalid(`the kubeconfig has no cluster ${JSON.stringify(context.cluster)}`)
  const user = config.data.users?.find(({ name }) => name === context.user)?.user ?? {}
  return { cluster, user, context: wanted }
}

const decode = (data: string | undefined): string | undefined =>
  data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8')

const requireServer = (server: string): string => {
  const url = URL.parse(server)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw invalid(`${JSON.stringify(server)} is no URL of an API server`)
  return server
}

const connectionOf = (
  { cluster, user }: { cluster: Cluster; user: User },
  files: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined; token?: KubeConnection['token'] } = {},
): KubeConnection => {
  if (cluster['insecure-skip-tls-verify'])
    throw invalid('insecure-skip-tls-verify is not supported: give certificate-authority-data')
  if (cluster['proxy-url']) throw invalid('proxy-url is not supported')
  const ca = decode(cluster['certificate-authority-data']) ?? files.ca
  const clientCert = decode(user['client-certificate-data']) ?? files.cert
  const clientKey = decode(user['client-key-data']) ?? files.key
  const { token: fixed } = user
  const token = files.token ?? (fixed === undefined ? undefined : () => fixed)
  return {
    server: requireServer(cluster.server),
    ...(ca !== undefined && { ca }),
    ...(clientCert !== undefined && { clientCert }),
    ...(clientKey !== undefined && { clientKey }),
    ...(token && { token }),
    ...(cluster['tls-server-name'] !== undefined && { tlsServerName: cluster['tls-server-name'] }),
  }
}

const fileKeys = ['certificate-authority'] as const
const userFileKeys = ['client-certificate', 'client-key', 'tokenFile', 'exec', 'auth-provider', 'username'] as const

/**
 * Reads a kubeconfig text that carries all it needs (certificates and token as data), as those in Secrets do. What would read files of this
 * machine or run a program is refused: the text may come from elsewhere. Throws CONFIG_INVALID.
 */
export const parseKubeconfig = (text: string, contextName?: string): KubeConnection => {
  const selected = select(text, contextName)
  const foreign = [...fileKeys.filter((key) => selected.cluster[key]), ...userFileKeys.filter((key) => selected.user[key])]
  if (foreign.length > 0) throw invalid(`the kubeconfig uses ${foreign.join(', ')}, which only a kubeconfig file may`)
  return connectionOf(selected)
}

/** Reads a person's kubeconfig file: also files beside it, token files, exec plugins and cloud logins. Throws CONFIG_INVALID. */
export const loadKubeconfig = async (path: string, contextName?: string): Promise<KubeConnection> => {
  const read = (file: string | undefined) => (file ? readConfigFile(resolve(dirname(path), file)) : undefined)
  const text = await readConfigFile(path)
  const { cluster, user, context } = select(text, contextName)
  const [ca, cert, key] = await Promise.all([
    read(cluster['certificate-authority']),
    read(user['client-certificate']),
    read(user['client-key']),
  ])
  if (user.exec || user['auth-provider']) {
    return { ...connectionOf({ cluster, user }, { ca, cert, key }), ...(await pluginCredentials(path, context)) }
  }
  if (user.username) throw invalid(`${path}: basic authentication is not supported by API servers since 1.19`)
  const token = user.tokenFile ? tokenFile(resolve(dirname(path), user.tokenFile)) : undefined
  return connectionOf({ cluster, user }, { ca, cert, key, ...(token && { token }) })
}

const readConfigFile = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(`cannot read ${path}: ${explainError(cause)}`, { cause })
  })

/** The official client knows every login plugin. It is heavy (a quarter of a second, 90 MB), so only who needs one pays for it. */
const pluginCredentials = async (path: string, context: string): Promise<Partial<KubeConnection>> => {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromFile(path)
  config.setCurrentContext(context)
  const ask = async () => {
    const options: { headers?: Record<string, unknown>; cert?: unknown; key?: unknown } = { headers: {} }
    await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0])
    return options
  }
  const pem = (value: unknown) => (typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : undefined)
  const first = await ask()
  const clientCert = pem(first.cert)
  const clientKey = pem(first.key)
  const bearer = (headers: Record<string, unknown> | undefined) => {
    const header = headers?.['Authorization']
    return typeof header === 'string' ? header.replace(/^Bearer /, '') : ''
  }
  return {
    ...(clientCert !== undefined && { clientCert }),
    ...(clientKey !== undefined && { clientKey }),
    ...(bearer(first.headers) !== '' && { token: async () => bearer((await ask()).headers) }),
  }
}

/** Where a pod finds the API server of its cluster. */
export interface InClusterPlace {
  /** KUBERNETES_SERVICE_HOST. */
  readonly host: string
  /** KUBERNETES_SERVICE_PORT. */
  readonly port: string
  /** Mount of the service account. */
  readonly directory?: string
}

/** The connection of a pod's own service account. The token is read again as it is renewed. Throws CONFIG_INVALID when the mount is not there. */
export const inClusterConnection = async ({
  host,
  port,
  directory = '/var/run/secrets/kubernetes.io/serviceaccount',
}: InClusterPlace): Promise<KubeConnection> => {
  const token = tokenFile(`${directory}/token`)
  const [ca] = await Promise.all([readConfigFile(`${directory}/ca.crt`), token()])
  return { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, ca, token }
}
