import { readFile } from 'node:fs/promises'
import { type BerthClient, createClient, isApiError, OperationError } from '../../client/index.ts'
import { AppError, type ErrorCode, errorCodes } from '../../lib/errors.ts'
import { type AccessOptions, apiAddress } from '../access.ts'
import type { CliHost } from '../host.ts'

/** The API, for commands about the tenants of one organisation; '': of all. */
export interface ApiAccess {
  readonly berth: BerthClient
  readonly organization: string
}

type Env = CliHost['env']

const wrong = (message: string, cause?: unknown): AppError =>
  new AppError('CONFIG_INVALID', message, cause === undefined ? {} : { cause })

const keyOf = async ({ key, keyFile }: AccessOptions, env: Env): Promise<string> => {
  if (key !== undefined && keyFile !== undefined) throw wrong('--key and --key-file are two keys: one is needed')
  if (keyFile === undefined) {
    const given = key ?? env['BERTH_API_KEY']
    if (given) return given
    throw wrong('the API needs a key: BERTH_API_KEY, --key-file or --key')
  }
  const text = await readFile(keyFile, 'utf8').catch((cause: unknown) => {
    throw wrong(`cannot read ${keyFile}`, cause)
  })
  return text.trim()
}

/** The one meant, or the only one that the key sees. */
const organizationOf = async (options: AccessOptions, berth: BerthClient, signal: AbortSignal): Promise<string> => {
  const { organization, namespace } = options
  if (organization !== undefined && namespace !== undefined && organization !== namespace)
    throw wrong(`--organization says ${organization}, and --namespace says ${namespace}: they are the same`)
  const named = organization ?? namespace
  if (named !== undefined) return named
  const { body } = await berth.listOrganizations({ limit: 10 }, { signal })
  const [only, ...more] = body.items
  if (!only) throw wrong('the API key sees no organisation: make one first')
  if (more.length > 0)
    throw wrong(
      `say which organisation with --organization: there are ${body.items.map(({ name }) => name).join(', ')}, for example`,
    )
  return only.name
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code)

/** An error of the client in the words of the CLI. */
const asAppError = (error: unknown): unknown => {
  if (error instanceof OperationError)
    return new AppError(error.isLate ? 'DEADLINE_EXCEEDED' : 'STATE_CONFLICT', error.message, { cause: error })
  if (!isApiError(error)) return error
  const { code, errors, requestId, message } = error
  if (code === 'INPUT_INVALID') return new AppError('CONFIG_INVALID', message, { cause: error })
  if (code === 'UNAUTHENTICATED')
    return new AppError('UNAUTHENTICATED', 'the API does not take the API key: it is unknown, or has ended', {})
  const fields = errors.map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`).join('')
  const request = requestId === undefined ? '' : ` (request ${requestId})`
  // A newer API may have codes that this program does not know; what it says is told all the same.
  return new AppError(isErrorCode(code) ? code : 'MANAGEMENT_UNAVAILABLE', `${message}${request}${fields}`, { cause: error })
}

/**
 * Runs `work` with the API where `--api` or BERTH_API names one, and gives what it gives. Undefined: the management cluster is meant. Throws AppError, which
 * never holds the key.
 */
export const withApi = async <T>(
  options: AccessOptions & { readonly allNamespaces?: boolean },
  { env, signal, stderr }: Pick<CliHost, 'env' | 'signal' | 'stderr'>,
  work: (access: ApiAccess) => Promise<T>,
): Promise<T | undefined> => {
  const url = apiAddress(options, env)
  if (url === undefined) return undefined
  try {
    const key = await keyOf(options, env)
    const onRetry = ({ pauseMs }: { readonly pauseMs: number }) =>
      stderr.write(`the API is busy or cannot be reached; again in ${(pauseMs / 1000).toFixed(1)} s\n`)
    const berth = createClient({ url, key, onRetry })
    const organization = options.allNamespaces ? '' : await organizationOf(options, berth, signal)
    return await work({ berth, organization })
  } catch (error) {
    throw asAppError(error)
  }
}

const firstGiven = (options: Readonly<Record<string, unknown>>): string | undefined =>
  Object.entries(options).find(([, value]) => value !== undefined && value !== false)?.[0]

/** Throws CONFIG_INVALID for an option that only the API knows. */
export const refuseByCluster = (options: Readonly<Record<string, unknown>>): void => {
  const first = firstGiven(options)
  if (first !== undefined) throw wrong(`${first} is for the API: name it with --api or BERTH_API`)
}

/** Throws CONFIG_INVALID for an option that only the management cluster can do. */
export const refuseByApi = (options: Readonly<Record<string, unknown>>): void => {
  const first = firstGiven(options)
  if (first !== undefined)
    throw wrong(`${first} needs the management cluster: leave --api and BERTH_API out, and name its kubeconfig`)
}
