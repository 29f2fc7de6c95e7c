import { type ApiKey, keyOf, keySecret, keySecretName } from '../../access/key-object.ts'
import { keyText, newKey } from '../../access/key-text.ts'
import { isScope, type Scope, scopes } from '../../access/scopes.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { AppError } from '../../lib/errors.ts'
import { apiKeyLabel, organizationLabel } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { ageText, resultText } from '../print.ts'
import type { OutputOptions } from './tenants.ts'

const type = resourceTypes.secrets

export interface CreateKeyOptions extends AccessOptions {
  readonly organization?: string
  readonly scopes?: readonly string[]
  readonly expiresInDays?: number
}

const readScopes = (given: readonly string[] | undefined, organization: string | undefined): readonly Scope[] => {
  // All: writing has reading in it, where there is writing.
  if (given === undefined)
    return scopes.filter(
      (scope) =>
        (scope.endsWith(':write') || !isScope(scope.replace(/:read$/, ':write'))) &&
        (organization === undefined || scope !== 'organizations:write'),
    )
  const wrong = given.filter((scope) => !isScope(scope))
  if (wrong.length === 0) return given.filter(isScope)
  throw new AppError('CONFIG_INVALID', `no scopes: ${wrong.join(', ')}; there are ${scopes.join(', ')}`, {})
}

/** Makes an API key. The key goes to stdout, this once. */
export const createKey = async (name: string, options: CreateKeyOptions, host: CliHost): Promise<ExitCode> => {
  const { client } = await openAccess(options, host.env)
  try {
    const { organization, expiresInDays } = options
    const held = readScopes(options.scopes, organization)
    let organizationUid: string | undefined
    if (organization !== undefined) {
      if (held.includes('organizations:write'))
        throw new AppError('CONFIG_INVALID', 'a key of an organisation cannot have organizations:write', {})
      const namespace = await client.get<KubeObject>(resourceTypes.namespaces, { name: organization }, { signal: host.signal })
      if (namespace?.metadata.labels?.[organizationLabel] !== organization)
        throw new AppError(
          'ORGANIZATION_NOT_FOUND',
          `there is no organisation ${organization}: a namespace becomes one by the label ${organizationLabel}=${organization}`,
          {},
        )
      organizationUid = namespace.metadata.uid
    }
    const key = newKey()
    const secret = keySecret(key, {
      name,
      scopes: held,
      ...(organization !== undefined && organizationUid !== undefined && { organization, organizationUid }),
      ...(expiresInDays !== undefined && { expiresAt: new Date(host.now() + expiresInDays * 86_400_000).toISOString() }),
    })
    await client.create(type, secret, { signal: host.signal })
    host.stderr.write(`API key ${key.id} is made; it is shown this once\n`)
    host.stdout.write(`${keyText(key)}\n`)
    return exitCodes.done
  } finally {
    await client.close()
  }
}

const dataOf = ({ digest: _digest, ...key }: ApiKey): Omit<ApiKey, 'digest'> => key

/** Lists API keys, without the keys themselves. */
export const listKeys = async (options: OutputOptions, host: CliHost): Promise<ExitCode> => {
  const { client } = await openAccess(options, host.env)
  try {
    const call = { namespace: systemNamespace, labelSelector: apiKeyLabel, signal: host.signal }
    const { items } = await client.list<KubeObject>(type, call)
    const keys = items.flatMap((secret) => keyOf(secret) ?? [])
    if (keys.length === 0 && options.output === 'table') host.stderr.write('there are no API keys\n')
    const rows = keys.map((key) => [
      key.id,
      key.name,
      key.organization ?? '(platform)',
      key.scopes.join(','),
      key.expiresAt ?? 'never',
      key.lastUsedAt === undefined ? '-' : ageText(key.lastUsedAt, host.now()),
    ])
    const columns = ['ID', 'NAME', 'ORGANIZATION', 'SCOPES', 'EXPIRES', 'USED']
    host.stdout.write(resultText({ columns, rows, names: keys.map(({ id }) => id), data: keys.map(dataOf) }, options.output))
    return exitCodes.done
  } finally {
    await client.close()
  }
}

/** Revokes an API key. Throws API_KEY_NOT_FOUND. */
export const revokeKey = async (id: string, options: AccessOptions, host: CliHost): Promise<ExitCode> => {
  const { client } = await openAccess(options, host.env)
  try {
    const ref = { name: keySecretName(id), namespace: systemNamespace }
    const secret = /^[a-z0-9]{16}$/.test(id) ? await client.get<KubeObject>(type, ref, { signal: host.signal }) : undefined
    if (!secret || !keyOf(secret))
      throw new AppError('API_KEY_NOT_FOUND', `there is no API key ${JSON.stringify(id)}; berth api-key list shows all`, {})
    await client.delete(type, ref, { signal: host.signal })
    host.stderr.write(`API key ${id} is revoked\n`)
    return exitCodes.done
  } finally {
    await client.close()
  }
}
