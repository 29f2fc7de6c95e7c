import { type ChildProcess, spawn } from 'node:child_process'
import { AppError } from '../../lib/errors.ts'
import type { AccessOptions } from '../access.ts'
import type { CliHost } from '../host.ts'
import { exitCodeOfSignal } from '../interrupted.ts'
import { withPrivateFile } from '../private-file.ts'
import { issuedKubeconfigOf, kubeconfigOf } from './tenant-kubeconfig.ts'

/** Those that the terminal sends to the command as well. */
const terminalSignals = ['SIGINT', 'SIGQUIT'] as const
const passedSignals = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
type Passed = (typeof terminalSignals)[number] | (typeof passedSignals)[number]

/**
 * From here on signals are for the command: they do not end this process, which has a file to remove when the command has ended. One that comes before there is a
 * command is kept for it.
 */
const signalRelay = ({ hasTerminal }: { readonly hasTerminal: boolean }) => {
  let child: ChildProcess | undefined
  let early: Passed | undefined
  const handlers = [...terminalSignals, ...passedSignals].map((signal) => {
    const isFromTerminal = hasTerminal && (terminalSignals as readonly string[]).includes(signal)
    const handler = (): void => {
      if (!child) early ??= signal
      else if (!isFromTerminal) child.kill(signal)
    }
    process.on(signal, handler)
    return [signal, handler] as const
  })
  return {
    to: (command: ChildProcess): void => {
      child = command
      if (early !== undefined) command.kill(early)
    },
    /** The signal that came before there was a command. */
    early: (): Passed | undefined => early,
    end: (): void => {
      for (const [signal, handler] of handlers) process.off(signal, handler)
    },
  }
}

const run = (
  command: string,
  args: readonly string[],
  { env, relay }: { env: NodeJS.ProcessEnv; relay: ReturnType<typeof signalRelay> },
): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env })
    child.once('error', (cause) => reject(new AppError('CONFIG_INVALID', `cannot run ${command}`, { cause })))
    child.once('exit', (code, signal) => resolve(code ?? (signal ? exitCodeOfSignal(signal) : 1)))
    relay.to(child)
  })

/** Runs a command (default: a shell) whose KUBECONFIG is the tenant's. Resolves with its exit code. */
export const connectTenant = async (
  name: string,
  [command, ...args]: readonly string[],
  options: AccessOptions,
  host: CliHost,
): Promise<number> => {
  const issued = await issuedKubeconfigOf(name, undefined, options, host)
  const text = issued?.text ?? (await kubeconfigOf(name, options, host))
  const relay = signalRelay({ hasTerminal: host.stdin.isTTY ?? false })
  try {
    return await withPrivateFile({ name: 'kubeconfig', text, runtimeDir: host.env['XDG_RUNTIME_DIR'] }, async (path) => {
      const early = relay.early()
      if (early !== undefined) return exitCodeOfSignal(early)
      const env = { ...host.env, KUBECONFIG: path, BERTH_TENANT: name }
      return run(command ?? host.env['SHELL'] ?? '/bin/sh', args, { env, relay })
    })
  } finally {
    await issued?.revoke()
    relay.end()
  }
}
