import { readFile, writeFile } from 'node:fs/promises'
import { hopelessExitCode, snapshotTask, taskFiles } from '../apis/snapshot-task.ts'
import { AppError, explainError } from '../lib/errors.ts'
import { fetchSnapshot, settle } from '../snapshots/load.ts'
import { openS3 } from '../snapshots/s3-store.ts'
import { save } from '../snapshots/save.ts'

const help = `Carries out one step of a snapshot, as the order in ${taskFiles.order} says. Started by the manager in pods of its own.

Usage: snapshot save | fetch | settle RESTORE
  save    store what the tenant's etcd has
  fetch   bring a stored snapshot and check it
  settle  put the data that were made of it in their place, once for each RESTORE
`

/** Longer than any snapshot takes; the pod has a deadline of its own. */
const deadlineMs = 3_600_000

const place = { work: taskFiles.work, volume: taskFiles.data }

const run = async (step: string | undefined, restore: string | undefined): Promise<void> => {
  if (step === 'settle' && restore !== undefined) return settle(restore, place)
  const order = snapshotTask.parse(JSON.parse(await readFile(taskFiles.order, 'utf8')))
  const stop = new AbortController()
  const end = (): void => stop.abort(new Error('told to end'))
  process.on('SIGTERM', end).on('SIGINT', end)
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(deadlineMs)])
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
