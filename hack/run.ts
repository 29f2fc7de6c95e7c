import { ExecaError, execa, type Options } from 'execa'

/** What a command may be given. Its time is always limited: two minutes unless told otherwise. */
export interface RunOptions {
  readonly timeoutMs?: number
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

const options = ({ timeoutMs = 120_000, input, ...rest }: RunOptions): Options => ({
  timeout: timeoutMs,
  ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  ...rest,
})

/** Commands that were killed by our own time limit say so; the rest say the end of what they printed. */
const failure = (error: ExecaError): Error => {
  const words = [error.stderr, error.stdout].map((text) => String(text ?? '').trim()).find(Boolean) ?? ''
  return new Error([error.shortMessage.slice(0, 600), words.split('\n').slice(-30).join('\n')].filter(Boolean).join('\n'))
}

/** Runs a command and gives its standard output. Throws with the command and what it printed when it fails. */
export const run = async (command: string, args: readonly string[], given: RunOptions = {}): Promise<string> => {
  try {
    const { stdout } = await execa(command, args, options(given))
    return String(stdout ?? '')
  } catch (error) {
    throw error instanceof ExecaError ? failure(error) : error
  }
}

/** As `run`, but a failure is an answer: what it printed on either stream, and whether it succeeded. */
export const attempt = async (
  command: string,
  args: readonly string[],
  given: RunOptions = {},
): Promise<{ ok: boolean; code?: number; output: string }> => {
  const result = await execa(command, args, { ...options(given), reject: false, all: true })
  return { ok: !result.failed, ...(result.exitCode !== undefined && { code: result.exitCode }), output: String(result.all ?? '') }
}
