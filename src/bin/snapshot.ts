import { readFile, writeFile } from 'node:fs/promises'
import { drillServer, hopelessExitCode, type LoadOrder, remapEtcd, snapshotTask, taskFiles } from '../apis/snapshot-task.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { AppError, explainError } from '../lib/errors.ts'
import { loopbackEtcd } from '../snapshots/clone/loopback-etcd.ts'
import { remap } from '../snapshots/clone/remap.ts'
import { countsOf, drill } from '../snapshots/drill/drill.ts'
import { fetchSnapshot, settle } from '../snapshots/load.ts'
import { openS3 } from '../snapshots/s3-store.ts'
import { save } from '../snapshots/save.ts'

const help = `Carries out one step of a snapshot, as the order in ${taskFiles.order} says. Started by the manager in pods of its own.

Usage: snapshot save | fetch | remap | drill | settle RESTORE
  save    store what the tenant's etcd has
  fetch   bring a stored snapshot and check it
  remap   make what was brought the data of another tenant, in an etcd beside
  drill   list all that an API server beside reads of what was brought
  settle  put the data that were made of it in their place, once for each RESTORE
`

/** Longer than any snapshot takes; the pod has a deadline of its own. */
const deadlineMs = 3_600_000

const place = { work: taskFiles.work, volume: taskFiles.data }

const remapLoaded = async ({ remap: wanted, drill: access }: LoadOrder, signal: AbortSignal): Promise<void> => {
  if (!wanted) throw new AppError('CONFIG_INVALID', 'the order does not say what to make of the data', {})
  const [source, own] = [Buffer.from(wanted.keys.source, 'base64'), Buffer.from(wanted.keys.own, 'base64')]
  const etcd = loopbackEtcd(remapEtcd, signal)
  const result = await remap(etcd, { slices: wanted.slices, keys: { source, own }, isDrill: access !== undefined })
  if (access) await writeFile(taskFiles.counts, JSON.stringify(await countsOf(etcd)))
  await writeFile(taskFiles.result, JSON.stringify(result))
}

const runDrill = async ({ drill: access }: LoadOrder, signal: AbortSignal): Promise<void> => {
  if (!access) throw new AppError('CONFIG_INVALID', 'the order is none for a drill', {})
  const client = createKubeClient({ server: drillServer, ...access }, { userAgent: 'berth-drill' })
  try {
    const counts = JSON.parse(await readFile(taskFiles.counts, 'utf8')) as Record<string, number>
    await writeFile(taskFiles.result, JSON.stringify(await drill(client, counts, signal)))
  } finally {
    await client.close()
  }
}

const run = async (step: string | undefined, restore: string | undefined): Promise<void> => {
  if (step === 'settle' && restore !== undefined) return settle(restore, place)
  const order = snapshotTask.parse(JSON.parse(await readFile(taskFiles.order, 'utf8')))
  const stop = new AbortController()
  const end = (): void => stop.abort(new Error('told to end'))
  process.on('SIGTERM', end).on('SIGINT', end)
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(deadlineMs)])
  if (step === 'remap' && order.kind === 'load') return remapLoaded(order, signal)
  if (step === 'drill' && order.kind === 'load') return runDrill(order, signal)
  const store = openS3(order.storage, signal)
  try {
    if (step === 'save' && order.kind === 'save')
      return await writeFile(taskFiles.result, JSON.stringify(await save(order, store, signal)))
    if (step === 'fetch' && order.kind === 'load') return await fetchSnapshot(order, store, place)
  } finally {
    store.close()
  }
  throw new AppError('CONFIG_INVALID', `there is no step ${String(step)} of an order to ${order.kind}`, {})
}

const [step, restore] = process.argv.slice(2)
if (step === undefined || step === '--help') {
  process.stdout.write(help)
  process.exit(step === undefined ? 2 : 0)
}
try {
  await run(step, restore)
  process.exit(0)
} catch (error) {
  // The last lines of the log become the message of the container, and that of the snapshot's condition.
  process.stderr.write(`${explainError(error)}\n`)
  process.exit(error instanceof AppError && error.policy.retry === 'never' ? hopelessExitCode : 1)
}
