import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** Where a starting process says how each of its parts is stopped. */
export interface Shutdown {
  /** Ends when the process begins to stop. */
  readonly signal: AbortSignal
  /** Parts stop in the reverse order of these calls, one after the other. */
  readonly onStop: (name: string, stop: () => Promise<void> | void) => void
  /** Begins the stop, as a signal would. A reason that is an error makes the exit code 1. */
  readonly stop: (reason: string | Error) => void
}

export interface RunProcessOptions {
  readonly log: Log
  /** For the whole stop; then the process exits anyway. Default 25 s: under Kubernetes' 30. */
  readonly stopDeadlineMs?: number
  /** Where signals come from and where the process ends; tests give their own. */
  readonly host?: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>
}

/**
 * Starts a process and runs it until SIGTERM, SIGINT, a call of `stop` or an error nobody caught; then stops its parts in order and exits.
 * A second signal exits at once. Resolves when all has been stopped.
 */
export const runProcess = async (
  start: (shutdown: Shutdown) => Promise<void>,
  { log, stopDeadlineMs = 25_000, host = process }: RunProcessOptions,
): Promise<void> => {
  const stopping = new AbortController()
  const parts: { name: string; stop: () => Promise<void> | void }[] = []
  let exitCode = 0
  const { promise: stopped, resolve: beginStop } = Promise.withResolvers<void>()

  const stop = (reason: string | Error) => {
    if (reason instanceof Error) exitCode = 1
    if (stopping.signal.aborted) return
    if (reason instanceof Error) log.error({ err: reason, reason: explainError(reason) }, 'stopping')
    else log.info({ reason }, 'stopping')
    stopping.abort(reason instanceof Error ? reason : new Error(`the process is stopping: ${reason}`))
    beginStop()
  }
  const onSignal = (name: NodeJS.Signals) => {
    if (stopping.signal.aborted) host.exit(130)
    stop(name)
  }
  const onCrash = (error: unknown) => stop(error instanceof Error ? error : new Error(String(error)))
  host.on('SIGTERM', onSignal)
  host.on('SIGINT', onSignal)
  host.on('uncaughtException', onCrash)
  host.on('unhandledRejection', onCrash)

  start({ signal: stopping.signal, onStop: (name, part) => void parts.push({ name, stop: part }), stop }).catch(
    (error: unknown) => {
      if (!stopping.signal.aborted) onCrash(error)
    },
  )
  await stopped

  const hard = setTimeout(() => {
    log.error({ stopDeadlineMs, waitsFor: parts.at(-1)?.name }, 'stop took too long')
    host.exit(1)
  }, stopDeadlineMs)
  for (let part = parts.at(-1); part; part = parts.at(-1)) {
    try {
      await part.stop()
    } catch (error) {
      exitCode = 1
      log.error({ err: error, part: part.name }, 'stop failed')
    }
    parts.splice(parts.indexOf(part), 1)
  }
  clearTimeout(hard)
  host.off('SIGTERM', onSignal)
  host.off('SIGINT', onSignal)
  host.off('uncaughtException', onCrash)
  host.off('unhandledRejection', onCrash)
  log.info({ exitCode }, 'stopped')
  host.exit(exitCode)
}
