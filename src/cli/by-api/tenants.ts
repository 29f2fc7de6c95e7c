import { type BerthClient, eachItem, type Tenant } from '../../client/index.ts'
import { type ListOptions, printTenant, printTenants } from '../commands/tenants.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { passesFilter } from '../tenant-rows.ts'
import type { ApiAccess } from './open.ts'
import { planeOf } from './plane-of.ts'

const gathered = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const tenantsOf = (berth: BerthClient, org: string, label: readonly string[] | undefined, signal: AbortSignal) =>
  gathered<Tenant>(eachItem(berth.listTenants, { org, label, limit: 1000 }, { signal }))

const labelsOf = (selector: string | undefined): readonly string[] | undefined => selector?.split(',').filter(Boolean)

/** Lists tenants of an organisation, or of all that the key sees. */
export const listTenantsByApi = async (
  options: ListOptions,
  { berth, organization }: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const { allNamespaces = false, selector } = options
  const { signal } = host
  const organizations = allNamespaces
    ? (await gathered(eachItem(berth.listOrganizations, { limit: 1000 }, { signal }))).map(({ name }) => name)
    : [organization]
  const found: Tenant[] = []
  for (const each of organizations) found.push(...(await tenantsOf(berth, each, labelsOf(selector), signal)))
  const items = found.map(planeOf).filter((plane) => passesFilter(plane, options))
  printTenants(items, { ...options, place: `organisation ${organization}` }, host)
  return exitCodes.done
}

/** Shows one tenant and its conditions. */
export const getTenantByApi = async (
  name: string,
  options: Pick<ListOptions, 'output'>,
  { berth, organization }: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const { body } = await berth.getTenant({ org: organization, tenant: name }, { signal: host.signal })
  printTenant(planeOf(body), options, host)
  return exitCodes.done
}
