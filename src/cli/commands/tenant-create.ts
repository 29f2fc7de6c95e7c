import { conditionTypes } from '../../apis/conditions.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { openAccess } from '../access.ts'
import { refuseByApi, withApi } from '../by-api/open.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { resultText } from '../print.ts'
import { readInput } from '../read-input.ts'
import { tenantDraft } from '../tenant-draft.ts'
import { tenantTable, wideTenantTable } from '../tenant-rows.ts'
import { codeOf, waitFor } from '../wait-for.ts'
import { progressOf } from './tenant-state.ts'
import { type OutputOptions, readTenant, tenantResourceName } from './tenants.ts'

export interface CreateOptions extends OutputOptions {
  readonly class?: string
  readonly version?: string
  readonly size?: string
  readonly state?: string
  /** `-`: standard input. */
  readonly filename?: string
  readonly set?: readonly string[]
  readonly dryRun?: boolean
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

const type = resourceTypes.tenantControlPlanes

/** Why a tenant is not made, where nothing changes before somebody changes something. */
const refusals: ReadonlySet<string> = new Set(['ClassMissing', 'LimitExceeded', 'CloneRefused'])

/** How far a new tenant is, as the manager says: how many of its conditions are true, and what the next one waits for. */
export const creationProgress = (
  plane: Pick<TenantControlPlane, 'metadata' | 'status'>,
  state: TenantControlPlane['spec']['state'] = 'Running',
): { readonly kind: 'there' | 'refused' | 'under way'; readonly message: string } => {
  const progress = progressOf(plane, state)
  const conditions = plane.status?.conditions ?? []
  if (progress.kind !== 'under way' || conditions.length === 0) return progress
  const conditionOf = (wanted: string) => conditions.find(({ type: of }) => of === wanted)
  const ready = conditionOf('Ready')
  if (ready && refusals.has(ready.reason)) return { kind: 'refused', message: ready.message }
  const met = conditionTypes.filter((wanted) => conditionOf(wanted)?.status === 'True')
  const next = conditionTypes.find((wanted) => !met.includes(wanted))
  const message = conditionOf(next ?? 'Ready')?.message ?? progress.message
  return { kind: 'under way', message: `${met.length} of ${conditionTypes.length}: ${next ?? 'Ready'}: ${message}` }
}

/** Prints a tenant that was made. */
export const printCreated = (plane: TenantControlPlane, { output }: CreateOptions, host: CliHost): void => {
  const rowOptions = { now: host.now(), namespaces: true }
  host.stdout.write(
    resultText(
      {
        ...tenantTable([plane], rowOptions),
        wide: wideTenantTable([plane], rowOptions),
        data: plane,
        names: [tenantResourceName(plane)],
      },
      output,
    ),
  )
}

/** Makes a tenant, and waits until it can be used or is in the state it is to have, if asked to. Prints it as it is then. */
export const createTenant = async (name: string, options: CreateOptions, host: CliHost): Promise<ExitCode> => {
  const text = options.filename === undefined ? undefined : await readInput(options.filename, host)
  const byApi = await withApi(options, host, async (access) => {
    refuseByApi({ '--dry-run': options.dryRun })
    return (await import('../by-api/tenant-life.ts')).createTenantByApi(name, options, { text }, access, host)
  })
  if (byApi !== undefined) return byApi
  const { client, namespace: defaultNamespace } = await openAccess(options, host.env)
  const { signal } = host
  try {
    const draft = tenantDraft({
      name,
      namespace: options.namespace,
      defaultNamespace,
      text,
      className: options.class,
      version: options.version,
      size: options.size,
      state: options.state,
      set: options.set,
    })
    // A field that nobody knows would be dropped without a word.
    const made = await client.create(type, draft, { strict: true, dryRun: options.dryRun ?? false, signal })
    let plane = made as TenantControlPlane
    if (options.dryRun) {
      printCreated(plane, options, host)
      return exitCodes.done
    }
    host.stderr.write(`tenant ${name} is created\n`)
    let code: ExitCode = exitCodes.done
    if (options.wait) {
      const ref = { name, namespace: plane.metadata.namespace ?? '' }
      const look = async () => {
        plane = await readTenant(client, ref, signal)
        const { kind, message } = creationProgress(plane, plane.spec?.state)
        return { code: codeOf(kind, exitCodes), message }
      }
      const late = (message: string) =>
        `tenant ${name} is not ready after ${options.timeout} s: ${message}. It goes on by itself; berth tenant get ${name} shows how`
      code = await waitFor(`tenant ${name}`, look, { timeout: options.timeout, late }, host)
    }
    printCreated(plane, options, host)
    return code
  } finally {
    await client.close()
  }
}
