import { eachItem, type Snapshot } from '../../client/index.ts'
import { printSnapshots, type SnapshotRow } from '../commands/snapshots.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import type { OutputFormat } from '../output-formats.ts'
import { followOperation } from './follow.ts'
import type { ApiAccess } from './open.ts'

/** Takes a snapshot of a tenant to where its spec says, and waits for it; 0 seconds: not at all. Its name goes to stdout. */
export const createSnapshotByApi = async (
  tenant: string,
  { name, timeout }: { readonly name?: string; readonly timeout: number },
  { berth, organization }: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const body = { tenant, ...(name !== undefined && { name }) }
  const { body: operation } = await berth.createSnapshot({ org: organization, body }, { signal: host.signal })
  const made = operation.snapshot ?? name ?? ''
  const code = await followOperation(operation, { berth, what: `snapshot ${made}`, timeout }, host)
  if (code === exitCodes.done) host.stdout.write(`${made}\n`)
  return code
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
