import { resourceTypes } from '../../apis/resource-types.ts'
import { specInForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { ageText, colour, type OutputFormat, type Printable, resultText, tableText } from '../print.ts'

const type = resourceTypes.tenantControlPlanes

export interface OutputOptions extends AccessOptions {
  readonly output: OutputFormat
}

const nameOf = ({ metadata }: TenantControlPlane): string => `tenantcontrolplane.${type.group}/${metadata.name}`

const readyOf = ({ metadata, status }: TenantControlPlane): string => {
  if (metadata.deletionTimestamp) return 'Deleting'
  const conditionOf = (type: string) => status?.conditions?.find((condition) => condition.type === type)
  const paused = conditionOf('Paused')
  // Paused, or Hibernated.
  return paused?.status === 'True' ? paused.reason : (conditionOf('Ready')?.status ?? 'Unknown')
}

/** Tenants as rows; `namespaces` shows whose namespace each is in. */
export const tenantTable = (
  planes: readonly TenantControlPlane[],
  { now, namespaces }: { now: number; namespaces: boolean },
): Pick<Printable, 'columns' | 'rows'> => ({
  columns: [...(namespaces ? ['NAMESPACE'] : []), 'NAME', 'VERSION', 'ENDPOINT', 'READY', 'AGE'],
  rows: planes.map((plane) => [
    ...(namespaces ? [plane.metadata.namespace ?? ''] : []),
    plane.metadata.name ?? '',
    plane.status?.version ?? specInForce(plane).version,
    plane.status?.endpoint ?? '-',
    readyOf(plane),
    ageText(plane.metadata.creationTimestamp, now),
  ]),
})

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

export const listTenants = async (
  options: OutputOptions & { readonly allNamespaces?: boolean },
  host: CliHost,
): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const all = options.allNamespaces ?? false
    const { items } = await client.list<TenantControlPlane>(type, { ...(!all && { namespace }), signal: host.signal })
    const table = tenantTable(items, { now: host.now(), namespaces: all })
    if (items.length === 0 && options.output === 'table') {
      host.stderr.write(
        all ? 'there are no tenants\n' : `there are no tenants in namespace ${namespace}; -A shows those of all namespaces\n`,
      )
    }
    host.stdout.write(
      resultText({ ...table, data: { apiVersion: 'v1', kind: 'List', items }, names: items.map(nameOf) }, options.output),
    )
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

export const getTenant = async (name: string, options: OutputOptions, host: CliHost): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const plane = await readTenant(client, { name, namespace }, host.signal)
    const table = tenantTable([plane], { now: host.now(), namespaces: true })
    host.stdout.write(resultText({ ...table, data: plane, names: [nameOf(plane)] }, options.output))
    if (options.output === 'table') host.stdout.write(conditionsText(plane, host))
    if (options.output === 'table' && readyOf(plane) !== 'True') {
      host.stderr.write(colour('yellow', 'the tenant is not ready\n', { isTTY: host.stderr.isTTY, env: host.env }))
    }
    return exitCodes.done
  } finally {
    await client.close()
  }
}
