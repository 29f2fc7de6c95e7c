import {
  type BerthClient,
  isApiError,
  type NewTenant,
  type Operation,
  type Tenant,
  type UpgradeTenantInput,
} from '../../client/index.ts'
import { AppError } from '../../lib/errors.ts'
import { ask } from '../ask.ts'
import { type CreateOptions, printCreated } from '../commands/tenant-create.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { tenantDraft } from '../tenant-draft.ts'
import { followOperation } from './follow.ts'
import type { ApiAccess } from './open.ts'
import { planeOf } from './plane-of.ts'

/** Makes a tenant, and waits for it if asked to. Prints it as it is then. */
export const createTenantByApi = async (
  name: string,
  options: CreateOptions,
  { text }: { readonly text: string | undefined },
  { berth, organization }: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const { class: className, version, size, state, set } = options
  const { metadata, spec } = tenantDraft({
    name,
    namespace: organization,
    defaultNamespace: organization,
    text,
    className,
    version,
    size,
    state,
    set,
  })
  if (Object.keys(metadata.annotations ?? {}).length > 0)
    throw new AppError('CONFIG_INVALID', 'the file has annotations, which the API does not take: leave them out', {})
  // What is wrong with the spec the API says, field by field.
  const body = { name, ...(metadata.labels && { labels: metadata.labels }), spec } as NewTenant
  const { signal } = host
  const { body: operation } = await berth.createTenant({ org: organization, body }, { signal })
  host.stderr.write(`tenant ${name} is created\n`)
  const what = `tenant ${name}`
  const timeout = options.wait ? options.timeout : 0
  const code = await followOperation(operation, { berth, what, timeout }, host)
  const { body: tenant } = await berth.getTenant({ org: organization, tenant: name }, { signal })
  printCreated(planeOf(tenant), options, host)
  return code
}

/** Its state changes all the time, which is no reason not to delete it; another one of its name is. */
const deleteSame = async ({ organization, name, uid }: Tenant, berth: BerthClient, signal: AbortSignal): Promise<Operation> => {
  const place = { org: organization, tenant: name }
  for (let tries = 1; ; tries += 1) {
    const { body: seen, etag } = await berth.getTenant(place, { signal })
    if (seen.uid !== uid)
      throw new AppError('STATE_CONFLICT', `tenant ${name} is another one than a moment ago: look at it again`, {})
    try {
      return (await berth.deleteTenant({ ...place, ifMatch: etag }, { signal })).body
    } catch (error) {
      if (tries === 10 || !isApiError(error, 'PRECONDITION_FAILED')) throw error
    }
  }
}

interface DeleteOptions {
  readonly yes?: boolean
  readonly wait?: boolean
  readonly timeout: number
}

/** Asks for the name unless told not to, and deletes the tenant as it was read. */
export const deleteTenantByApi = async (
  name: string,
  options: DeleteOptions,
  { berth, organization }: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const { signal } = host
  const { body: tenant } = await berth.getTenant({ org: organization, tenant: name }, { signal })
  host.stderr.write(`tenant ${name} of organisation ${organization} goes with all that is in it; its snapshots stay\n`)
  if (!options.yes) {
    const answer = await ask(`Type the name of the tenant to delete it: `, { otherwise: 'say --yes to delete it' }, host)
    if (answer !== name) {
      host.stderr.write('nothing is deleted\n')
      return exitCodes.differs
    }
  }
  const operation = await deleteSame(tenant, berth, signal)
  host.stderr.write(`tenant ${name} is being deleted\n`)
  return followOperation(operation, { berth, what: `tenant ${name}`, timeout: options.wait ? options.timeout : 0 }, host)
}

/** What is done to a tenant that is there, and takes time. */
export type Change = { readonly kind: 'pause' | 'hibernate' | 'resume' } | { readonly kind: 'upgrade'; readonly version: string }

const begin = async (
  change: Change,
  place: { readonly org: string; readonly tenant: string },
  { berth }: ApiAccess,
  signal: AbortSignal,
): Promise<Operation> => {
  switch (change.kind) {
    case 'pause':
      return (await berth.pauseTenant({ ...place, body: { hibernate: false } }, { signal })).body
    case 'hibernate':
      return (await berth.pauseTenant({ ...place, body: { hibernate: true } }, { signal })).body
    case 'resume':
      return (await berth.resumeTenant(place, { signal })).body
    case 'upgrade': {
      // Which versions there are the API says.
      const body = { version: change.version } as UpgradeTenantInput['body']
      return (await berth.upgradeTenant({ ...place, body }, { signal })).body
    }
  }
}

/** Pauses, hibernates, resumes or upgrades a tenant, and waits for it; 0 seconds: not at all. */
export const changeTenantByApi = async (
  name: string,
  change: Change,
  { timeout }: { readonly timeout: number },
  access: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const { berth, organization } = access
  const operation = await begin(change, { org: organization, tenant: name }, access, host.signal)
  return followOperation(operation, { berth, what: `tenant ${name}`, timeout }, host)
}
