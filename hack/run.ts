import { type Options, execa } from 'execa'

/** What a command may be given. Its time is always limited: two minutes unless told otherwise. */
export interface RunOptions {
  readonly timeoutMs?: number
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

const options = ({ timeoutMs = 120_000, ...rest }: RunOptions): Options => ({
  timeout: timeoutMs,
  stdin: 'ignore',
  ...rest,
  ...(rest.input !== undefined && { stdin: 'pipe' }),
})

/** Runs a command and gives its standard output. Throws with the command and its standard error when it fails. */
export const run = async (command: string, args: readonly string[], given: RunOptions = {}): Promise<string> => {
  const { stdout } = await execa(command, args, options(given))
  return String(stdout ?? '')
}

/** As `run`, but a failure is an answer: what it printed on either stream, and whether it succeeded. */
export const attempt = async (
  command: string,
  args: readonly string[],
  given: RunOptions = {},
): Promise<{ ok: boolean; output: string }> => {
  const result = await execa(command, args, { ...options(given), reject: false, all: true })
  return { ok: !result.failed, output: String(result.all ?? '') }
}
