import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { specInForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { withApi } from '../by-api/open.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { isForPeople, type OutputFormat } from '../output-formats.ts'
import { ageText, resultText } from '../print.ts'
import { waitFor } from '../wait-for.ts'
import { type OutputOptions, readTenant } from './tenants.ts'

const type = resourceTypes.controlPlaneSnapshots

export interface SnapshotOptions extends AccessOptions {
  /** Seconds to wait for the end; 0: not at all. */
  readonly timeout: number
  /** Of the snapshot; default: made of the tenant's name and the time. */
  readonly name?: string
}

export interface RestoreOptions extends AccessOptions {
  readonly timeout: number
  readonly identitySecret?: string
  /** False: what the tenant has now is not saved first. */
  readonly saveFirst: boolean
}

/** Told when what a tenant has could not be saved before a restore. */
export const notSavedText = 'nothing was restored; --no-save-first goes on without saving what the tenant has now\n'

const messageOf = ({ status }: ControlPlaneSnapshot): string =>
  status?.conditions?.find((condition) => condition.type === 'Complete')?.message ?? 'the manager has not looked at it yet'

const lateText =
  (what: string, timeout: number) =>
  (message: string): string =>
    `${what} is not done after ${timeout} s: ${message}. It goes on by itself`

const storageOf = (plane: TenantControlPlane) => {
  const { metadata } = plane
  const { storage, recipients } = specInForce(plane).backup
  if (storage) return { storage, recipients }
  const text = `tenant ${metadata.name} has no spec.backup.storage, which says where snapshots lie: set it, or make a ControlPlaneSnapshot with a storage of its own`
  throw new AppError('SPEC_INVALID', text, {})
}

const take = async (
  client: KubeClient,
  plane: TenantControlPlane,
  { name, timeout }: { readonly name?: string | undefined; readonly timeout: number },
  host: CliHost,
): Promise<{ readonly name: string; readonly code: ExitCode }> => {
  const { namespace = '', name: tenantName = '' } = plane.metadata
  const stamp = new Date(host.now()).toISOString().slice(0, 19).replace(/[-:T]/g, '')
  const made = await client.create<ControlPlaneSnapshot>(
    type,
    {
      apiVersion: `${type.group}/${type.version}`,
      kind: type.kind,
      metadata: { name: name ?? `${tenantName}-${stamp}`, namespace },
      spec: { tenantName, ...storageOf(plane), deletionPolicy: 'Delete' },
    },
    { signal: host.signal },
  )
  const ref = { name: made.metadata.name ?? '', namespace }
  if (timeout === 0) return { name: ref.name, code: exitCodes.done }
  const look = async () => {
    const snapshot = await client.get<ControlPlaneSnapshot>(type, ref, { signal: host.signal })
    if (!snapshot) return { code: exitCodes.failed, message: 'it was deleted' }
    const { phase } = snapshot.status ?? {}
    const isOver = phase === 'Complete' || phase === 'Failed'
    return {
      message: messageOf(snapshot),
      ...(isOver && { code: phase === 'Complete' ? exitCodes.done : exitCodes.failed }),
    }
  }
  const what = `snapshot ${ref.name}`
  return { name: ref.name, code: await waitFor(what, look, { timeout, late: lateText(what, timeout) }, host) }
}

/** Takes a snapshot of a tenant to where its spec says, and waits for it. Its name goes to stdout. */
export const createSnapshot = async (tenantName: string, options: SnapshotOptions, host: CliHost): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/snapshots.ts')).createSnapshotByApi(tenantName, options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const plane = await readTenant(client, { name: tenantName, namespace }, host.signal)
    const { name, code } = await take(client, plane, options, host)
    if (code === exitCodes.done) host.stdout.write(`${name}\n`)
    return code
  } finally {
    await client.close()
  }
}

/** What is shown of a snapshot, wherever it was read. */
export interface SnapshotRow {
  readonly name: string
  readonly tenant: string
  readonly phase: string
  readonly version: string | undefined
  readonly sizeBytes: number | undefined
  readonly createdAt: string | undefined
  readonly location: string | undefined
}

/** Prints snapshots as asked: `data` is what json and yaml show, `place` where they were looked for. */
export const printSnapshots = (
  snapshots: readonly SnapshotRow[],
  { output, data, place }: { readonly output: OutputFormat; readonly data: unknown; readonly place: string },
  host: CliHost,
): void => {
  if (snapshots.length === 0 && isForPeople(output)) host.stderr.write(`there are no snapshots in ${place}\n`)
  const rows = snapshots.map(({ name, tenant, phase, version, sizeBytes, createdAt, location }) => [
    name,
    tenant,
    phase,
    version ?? '-',
    sizeBytes === undefined ? '-' : `${(sizeBytes / 2 ** 20).toFixed(1)} MiB`,
    ageText(createdAt, host.now()),
    location ?? '-',
  ])
  const columns = ['NAME', 'TENANT', 'PHASE', 'VERSION', 'SIZE', 'AGE', 'LOCATION']
  const names = snapshots.map(({ name }) => `controlplanesnapshot.${type.group}/${name}`)
  host.stdout.write(resultText({ columns, rows, names, data }, output))
}

/** Lists the snapshots of one tenant, or of all in a namespace, oldest first. */
export const listSnapshots = async (tenantName: string | undefined, options: OutputOptions, host: CliHost): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/snapshots.ts')).listSnapshotsByApi(tenantName, options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const { items: all } = await client.list<ControlPlaneSnapshot>(type, { namespace, signal: host.signal })
    const items = all
      .filter(({ spec }) => tenantName === undefined || spec.tenantName === tenantName)
      .toSorted((a, b) => String(a.metadata.creationTimestamp).localeCompare(String(b.metadata.creationTimestamp)))
    const rows = items.map(({ metadata, spec, status }) => ({
      name: metadata.name ?? '',
      tenant: spec.tenantName,
      phase: status?.phase ?? 'Pending',
      version: status?.version,
      sizeBytes: status?.sizeBytes,
      createdAt: metadata.creationTimestamp,
      location: status?.location,
    }))
    const data = { apiVersion: 'v1', kind: 'List', items }
    printSnapshots(rows, { output: options.output, data, place: `namespace ${namespace}` }, host)
    return exitCodes.done
  } finally {
    await client.close()
  }
}

/** Puts the data of a snapshot in the place of a tenant's, and waits for it. What the tenant has now is saved first, unless told otherwise. */
export const restoreTenant = async (
  tenantName: string,
  snapshotName: string,
  options: RestoreOptions,
  host: CliHost,
): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/snapshots.ts')).restoreTenantByApi(tenantName, snapshotName, options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  const ref = { name: tenantName, namespace }
  try {
    const plane = await readTenant(client, ref, host.signal)
    if (options.saveFirst) {
      const saved = await take(client, plane, { timeout: options.timeout }, host)
      if (saved.code !== exitCodes.done) {
        host.stderr.write(notSavedText)
        return saved.code
      }
    }
    const requestedAt = new Date(host.now()).toISOString()
    const restore = { snapshotName, requestedAt, identitySecretName: options.identitySecret ?? null }
    const body = { metadata: { uid: plane.metadata.uid }, spec: { restore } }
    const asked = await client.patch<TenantControlPlane>(resourceTypes.tenantControlPlanes, ref, body, {
      type: 'merge',
      signal: host.signal,
    })
    if (options.timeout === 0) return exitCodes.done
    const before = plane.status?.restore?.id
    const look = async () => {
      const { metadata, status } = await readTenant(client, ref, host.signal)
      const isCurrent = (status?.observedGeneration ?? 0) >= (asked.metadata.generation ?? 0)
      const { restore: seen } = status ?? {}
      if (!seen || !isCurrent || seen.id === before || metadata.uid !== plane.metadata.uid)
        return { message: 'waits for the tenant to run' }
      if (seen.phase === 'Failed') return { message: seen.message, code: exitCodes.failed }
      if (seen.phase !== 'Done') return { message: seen.message }
      // A word to go on is taken only when the syncer has seen what was restored.
      const isSeen = status?.conditions?.some(
        ({ type: of, status: is }) => (of === 'Frozen' || of === 'SyncReady') && is === 'True',
      )
      return isSeen
        ? { message: seen.message, code: exitCodes.done }
        : { message: 'waits for the syncer to see what was restored' }
    }
    const what = `restore of tenant ${tenantName}`
    return await waitFor(what, look, { timeout: options.timeout, late: lateText(what, options.timeout) }, host)
  } finally {
    await client.close()
  }
}
