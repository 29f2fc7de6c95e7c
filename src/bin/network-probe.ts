import { call, serve } from '../controlplane/network-probe/call.ts'
import { AppError, explainError } from '../lib/errors.ts'

const help = `Tries whether super enforces NetworkPolicies. Started by the manager in pods of its own.

Usage: network-probe serve PORT | open HOST PORT | shut HOST PORT
  serve  take connections on the port until told to end
  open   ends with 0 when connections go through again and again, as a policy lets them
  shut   ends with 0 when none goes through, as a policy forbids, and with 3 when they do
`

const run = async ([step, ...rest]: readonly string[]): Promise<number | undefined> => {
  const port = Number(rest.at(-1))
  const [host = ''] = rest
  if (step === 'serve') {
    const server = await serve(port)
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => process.exit(0))
    process.stdout.write(`port ${server.port}\n`)
    return undefined
  }
  if (step === 'open' || step === 'shut') return call({ host, port, expects: step })
  throw new AppError('CONFIG_INVALID', `there is no step ${String(step)}; --help lists them`, {})
}

const given = process.argv.slice(2)
if (given.length === 0 || given[0] === '--help') {
  process.stdout.write(help)
  process.exit(given.length === 0 ? 2 : 0)
}
try {
  const code = await run(given)
  if (code !== undefined) process.exit(code)
} catch (error) {
  process.stderr.write(`${explainError(error)}\n`)
  process.exit(1)
}
