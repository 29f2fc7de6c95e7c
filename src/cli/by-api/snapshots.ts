import { eachItem, type Snapshot } from '../../client/index.ts'
import { notSavedText, printSnapshots, type RestoreOptions, type SnapshotRow } from '../commands/snapshots.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import type { OutputFormat } from '../output-formats.ts'
import { followOperation } from './follow.ts'
import type { ApiAccess } from './open.ts'

interface Take {
  readonly name?: string
  /** Seconds; 0: it is not waited for. */
  readonly timeout: number
}

const take = async (
  tenant: string,
  { name, timeout }: Take,
  { berth, organization }: ApiAccess,
  host: CliHost,
): Promise<{ readonly made: string; readonly code: ExitCode }> => {
  const body = { tenant, ...(name !== undefined && { name }) }
  const { body: operation } = await berth.createSnapshot({ org: organization, body }, { signal: host.signal })
  const made = operation.snapshot ?? name ?? ''
  return { made, code: await followOperation(operation, { berth, what: `snapshot ${made}`, timeout }, host) }
}

/** Takes a snapshot of a tenant to where its spec says, and waits for it; 0 seconds: not at all. Its name goes to stdout. */
export const createSnapshotByApi = async (tenant: string, options: Take, access: ApiAccess, host: CliHost): Promise<ExitCode> => {
  const { made, code } = await take(tenant, options, access, host)
  if (code === exitCodes.done) host.stdout.write(`${made}\n`)
  return code
}

/** Puts the data of a snapshot in the place of a tenant's, and waits for it. What the tenant has now is saved first, unless told otherwise. */
export const restoreTenantByApi = async (
  tenant: string,
  snapshot: string,
  { identitySecret, saveFirst, timeout }: Pick<RestoreOptions, 'identitySecret' | 'saveFirst' | 'timeout'>,
  access: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const { berth, organization } = access
  if (saveFirst) {
    const { code } = await take(tenant, { timeout }, access, host)
    if (code !== exitCodes.done) {
      host.stderr.write(notSavedText)
      return code
    }
  }
  const body = { snapshot, ...(identitySecret !== undefined && { identitySecretName: identitySecret }) }
  const { body: operation } = await berth.restoreTenant({ org: organization, tenant, body }, { signal: host.signal })
  return followOperation(operation, { berth, what: `tenant ${tenant}`, timeout }, host)
}

const rowOf = ({ name, tenant, phase, version, sizeBytes, createdAt, location }: Snapshot): SnapshotRow => ({
  name,
  tenant,
  phase,
  version,
  sizeBytes,
  createdAt,
  location,
})

/** Lists the snapshots of one tenant, or of all in an organisation, oldest first. */
export const listSnapshotsByApi = async (
  tenant: string | undefined,
  { output }: { readonly output: OutputFormat },
  { berth, organization }: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const input = { org: organization, limit: 1000, ...(tenant !== undefined && { tenant }) }
  const items: Snapshot[] = []
  for await (const snapshot of eachItem(berth.listSnapshots, input, { signal: host.signal })) items.push(snapshot)
  items.sort((a, b) => a.createdAt.localeCompare(b.createdAt))
  printSnapshots(items.map(rowOf), { output, data: { items }, place: `organisation ${organization}` }, host)
  return exitCodes.done
}
