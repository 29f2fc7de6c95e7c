import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { withApi } from '../by-api/open.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { isForPeople, type OutputFormat } from '../output-formats.ts'
import { ageText, colour, resultText, tableText } from '../print.ts'
import { passesFilter, readyOf, type TenantFilter, tenantTable, wideTenantTable } from '../tenant-rows.ts'

const type = resourceTypes.tenantControlPlanes

export interface OutputOptions extends AccessOptions {
  readonly output: OutputFormat
}

/** As `-o name` prints it. */
export const tenantResourceName = ({ metadata }: TenantControlPlane): string =>
  `tenantcontrolplane.${type.group}/${metadata.name}`

/** The tenant, or TENANT_NOT_FOUND. */
export const readTenant = async (
  client: Pick<KubeClient, 'get'>,
  ref: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<TenantControlPlane> => {
  const plane = await client.get<TenantControlPlane>(type, ref, { signal })
  if (plane) return plane
  throw new AppError(
    'TENANT_NOT_FOUND',
    `there is no tenant ${ref.name} in namespace ${ref.namespace}; berth tenant list -A shows all`,
    {},
  )
}

export interface ListOptions extends OutputOptions, TenantFilter {
  readonly allNamespaces?: boolean
  /** A selector of labels, as kubectl takes it. */
  readonly selector?: string
}

/** Prints tenants as asked; `place` is where they were looked for. */
export const printTenants = (
  items: readonly TenantControlPlane[],
  options: ListOptions & { readonly place: string },
  host: CliHost,
): void => {
  const { allNamespaces = false, selector, place } = options
  const rowOptions = { now: host.now(), namespaces: allNamespaces }
  if (items.length === 0 && isForPeople(options.output)) {
    const isFiltered = selector !== undefined || options.class !== undefined || options.ready !== undefined
    const which = isFiltered ? 'such ' : ''
    const where = allNamespaces ? '' : ` in ${place}; -A shows those of all ${place.split(' ', 1)[0]}s`
    host.stderr.write(`there are no ${which}tenants${where}\n`)
  }
  host.stdout.write(
    resultText(
      {
        ...tenantTable(items, rowOptions),
        wide: wideTenantTable(items, rowOptions),
        data: { apiVersion: 'v1', kind: 'List', items },
        names: items.map(tenantResourceName),
      },
      options.output,
    ),
  )
}

/** Lists tenants. The API server sees to the selector, everything else is looked at here. */
export const listTenants = async (options: ListOptions, host: CliHost): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/tenants.ts')).listTenantsByApi(options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const { allNamespaces = false, selector } = options
    const { items: all } = await client.list<TenantControlPlane>(type, {
      ...(!allNamespaces && { namespace }),
      ...(selector !== undefined && { labelSelector: selector }),
      signal: host.signal,
    })
    const items = all.filter((plane) => passesFilter(plane, options))
    printTenants(items, { ...options, place: `namespace ${namespace}` }, host)
    return exitCodes.done
  } finally {
    await client.close()
  }
}

const conditionsText = (plane: TenantControlPlane, host: CliHost): string => {
  const rows = (plane.status?.conditions ?? []).map(({ type: condition, status, reason, message, lastTransitionTime }) => [
    condition,
    status,
    reason,
    ageText(lastTransitionTime, host.now()),
    message,
  ])
  return rows.length === 0 ? '' : `\n${tableText(['CONDITION', 'STATUS', 'REASON', 'SINCE', 'MESSAGE'], rows)}\n`
}

/** Prints one tenant as asked; people see its conditions. */
export const printTenant = (plane: TenantControlPlane, { output }: Pick<OutputOptions, 'output'>, host: CliHost): void => {
  const rowOptions = { now: host.now(), namespaces: true }
  const [table, wide] = [tenantTable([plane], rowOptions), wideTenantTable([plane], rowOptions)]
  host.stdout.write(resultText({ ...table, wide, data: plane, names: [tenantResourceName(plane)] }, output))
  if (isForPeople(output)) host.stdout.write(conditionsText(plane, host))
  if (isForPeople(output) && readyOf(plane) !== 'True') {
    host.stderr.write(colour('yellow', 'the tenant is not ready\n', { isTTY: host.stderr.isTTY, env: host.env }))
  }
}

export const getTenant = async (name: string, options: OutputOptions, host: CliHost): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/tenants.ts')).getTenantByApi(name, options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  try {
    printTenant(await readTenant(client, { name, namespace }, host.signal), options, host)
    return exitCodes.done
  } finally {
    await client.close()
  }
}
