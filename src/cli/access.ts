import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parse } from 'yaml'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { connectionOf } from '../kube/connect.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { AppError } from '../lib/errors.ts'

export interface AccessOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  /** Address of the HTTP API, in the place of the management cluster. */
  readonly api?: string
  /** Its key. */
  readonly key?: string
  readonly keyFile?: string
  /** Whose tenants are meant; see `withApi`. */
  readonly organization?: string
}

type Env = Readonly<Record<string, string | undefined>>

/** The kubeconfig file meant: the flag's, the first existing one of KUBECONFIG, or the one in the home directory if there is one. */
export const kubeconfigPath = ({ kubeconfig }: AccessOptions, env: Env): string | undefined => {
  if (kubeconfig) return kubeconfig
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean)
  const inHome = join(env['HOME'] ?? homedir(), '.kube', 'config')
  return named.find((path) => existsSync(path)) ?? named[0] ?? (existsSync(inHome) ? inHome : undefined)
}

interface Contexts {
  readonly 'current-context'?: string
  readonly contexts?: readonly { readonly name?: string; readonly context?: { readonly namespace?: string } }[]
}

/** The namespace that a kubeconfig's text sets for a context. */
export const contextNamespace = (text: string, context?: string): string | undefined => {
  const config = parse(text) as Contexts | null
  const wanted = context ?? config?.['current-context']
  return config?.contexts?.find(({ name }) => name === wanted)?.context?.namespace
}

/** Names of the contexts in a kubeconfig's text. */
export const contextNames = (text: string): readonly string[] =>
  ((parse(text) as Contexts | null)?.contexts ?? []).flatMap(({ name }) => name ?? [])

export interface Access {
  readonly client: KubeClient
  readonly connection: KubeConnection
  /** The flag's, else the context's, else `default`. */
  readonly namespace: string
}

export const userAgent = 'berth-cli'

/** Of commands that look at super as well. */
export interface SuperOptions {
  readonly superKubeconfig?: string
}

/** A client of the super cluster that the flag names; undefined without the flag: it is the management cluster, as far as anybody has said. Throws CONFIG_INVALID. */
export const openSuper = async ({ superKubeconfig }: SuperOptions, env: Env): Promise<KubeClient | undefined> =>
  superKubeconfig === undefined ? undefined : (await openAccess({ kubeconfig: superKubeconfig }, env)).client

/** Address of the HTTP API that is to be asked; undefined: the management cluster is. Throws CONFIG_INVALID where both are named. */
export const apiAddress = ({ api, kubeconfig, context }: AccessOptions, env: Env): string | undefined => {
  const isCluster = kubeconfig !== undefined || context !== undefined
  if (api !== undefined && isCluster)
    throw new AppError('CONFIG_INVALID', '--api names the API, and --kubeconfig or --context a cluster: one is needed', {})
  return api ?? (isCluster ? undefined : env['BERTH_API'] || undefined)
}

/** A client as kubectl would make it. Throws CONFIG_INVALID, also where the API was named: this is for what only the management cluster can do. */
export const openAccess = async (options: AccessOptions, env: Env): Promise<Access> => {
  if (apiAddress(options, env) !== undefined)
    throw new AppError(
      'CONFIG_INVALID',
      'this command needs the management cluster, and --api or BERTH_API names the API: name a kubeconfig with --kubeconfig',
      {},
    )
  if (options.key !== undefined || options.keyFile !== undefined)
    throw new AppError('CONFIG_INVALID', '--key and --key-file are for the API: name it with --api or BERTH_API', {})
  const path = kubeconfigPath(options, env)
  const connection = await connectionOf({
    kubeconfig: path,
    context: options.context,
    serviceHost: env['KUBERNETES_SERVICE_HOST'],
    servicePort: env['KUBERNETES_SERVICE_PORT'],
  })
  const fromContext = path === undefined ? undefined : contextNamespace(await readFile(path, 'utf8'), options.context)
  return {
    client: createKubeClient(connection, { userAgent }),
    connection,
    namespace: options.namespace ?? fromContext ?? 'default',
  }
}
