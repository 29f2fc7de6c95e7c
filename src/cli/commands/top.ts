import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { parseKubeconfig } from '../../kube/kubeconfig.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { openAccess, openSuper, type SuperOptions, userAgent } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { isForPeople } from '../output-formats.ts'
import { resultText, type Tabular, tableText } from '../print.ts'
import { printable } from '../printable.ts'
import { type FigurePart, readFigures } from '../read-figures.ts'
import { cpuText, memoryText, sortedFigures, sumOf, type TenantFigures } from '../top-figures.ts'
import type { TopOrder } from '../top-orders.ts'
import { type OutputOptions, readTenant } from './tenants.ts'

export interface TopOptions extends OutputOptions, SuperOptions {
  readonly allNamespaces?: boolean
  readonly sort: TopOrder
  /** False: the API servers of tenants are not asked. */
  readonly objects: boolean
}

const countText = (count: number | undefined): string => (count === undefined ? '-' : String(count))

const tableOf = (
  figures: readonly TenantFigures[],
  { isWide, namespaces }: { isWide: boolean; namespaces: boolean },
): Tabular => ({
  columns: [
    ...(namespaces ? ['NAMESPACE'] : []),
    'NAME',
    'PLANE CPU',
    'PLANE MEMORY',
    'PODS',
    'PODS CPU',
    'PODS MEMORY',
    'OBJECTS',
    ...(isWide ? ['CPU', 'MEMORY'] : []),
  ],
  rows: figures.map(({ namespace, name, controlPlane, workload, pods, objects }) => {
    const all = controlPlane && workload && sumOf([controlPlane, workload])
    return [
      ...(namespaces ? [namespace] : []),
      name,
      cpuText(controlPlane),
      memoryText(controlPlane),
      countText(pods),
      cpuText(workload),
      memoryText(workload),
      countText(objects),
      ...(isWide ? [cpuText(all), memoryText(all)] : []),
    ]
  }),
})

const partsText = (parts: readonly FigurePart[]): string =>
  parts.length === 0
    ? ''
    : `\n${tableText(
        ['PART', 'NAME', 'PODS', 'CPU', 'MEMORY'],
        parts.map(({ part, name, pods, usage }) => [part, name, countText(pods), cpuText(usage), memoryText(usage)]),
      )}\n`

/** Says what tenants use, or one and each of its parts. What nobody measures is a dash, and told. */
export const top = async (name: string | undefined, options: TopOptions, host: CliHost): Promise<ExitCode> => {
  const { client: management, namespace } = await openAccess(options, host.env)
  const clients = [management]
  const { signal } = host
  try {
    const apart = await openSuper(options, host.env)
    if (apart) clients.push(apart)
    const all = options.allNamespaces ?? false
    const type = resourceTypes.tenantControlPlanes
    const planes =
      name === undefined
        ? (await management.list<TenantControlPlane>(type, { ...(!all && { namespace }), signal })).items
        : [await readTenant(management, { name, namespace }, signal)]
    const isElsewhere = planes.length > 0 && planes.every(({ status }) => status?.superCluster?.isApart)
    const { tenants, parts, notes } = await readFigures(
      planes,
      { withObjects: options.objects, isAlone: name !== undefined },
      {
        management,
        superClient: apart ?? (isElsewhere ? undefined : management),
        connect: (kubeconfig) => createKubeClient(parseKubeconfig(kubeconfig), { userAgent }),
        signal,
      },
    )
    const sorted = sortedFigures(tenants, options.sort)
    const tableOptions = { namespaces: all || name !== undefined }
    host.stdout.write(
      resultText(
        {
          data: { tenants: sorted, ...(name !== undefined && { parts }), notes },
          names: sorted.map((each) => `tenantcontrolplane.${type.group}/${each.name}`),
          ...tableOf(sorted, { ...tableOptions, isWide: false }),
          wide: tableOf(sorted, { ...tableOptions, isWide: true }),
        },
        options.output,
      ),
    )
    if (isForPeople(options.output)) {
      host.stdout.write(partsText(parts))
      for (const note of notes) host.stderr.write(`${printable(note)}\n`)
      if (planes.length === 0)
        host.stderr.write(all ? 'there are no tenants\n' : `there are no tenants in namespace ${namespace}\n`)
    }
    return exitCodes.done
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}
