#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { commandLineOf } from '../cli/called-as.ts'
import { Interrupted } from '../cli/interrupted.ts'
import { runCli } from '../cli/program.ts'

const versionHere = (): string => {
  try {
    const { version }: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    return version
  } catch {
    return 'unknown'
  }
}

const interrupt = new AbortController()
// In a pod it is process 1, which ends by no signal that nobody listens to.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort(new Interrupted(signal)))

const { name, args } = commandLineOf(basename(process.argv[1] ?? ''), process.argv.slice(2))

process.exitCode = await runCli(
  args,
  {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupt.signal,
    now: Date.now,
    explainChange: async (input, client) => {
      const { explainChanges } = await import('../controlplane/explain/explain.ts')
      return explainChanges(input, client)
    },
    explainObject: async (input, clients) => {
      const { explainObject } = await import('../syncer/explain/explain-object.ts')
      return explainObject(input, clients)
    },
    diagnose: async (input, clients) => {
      const { diagnose } = await import('../controlplane/doctor/look.ts')
      return diagnose(input, clients)
    },
    verify: async (input, clients) => {
      const { verifyTenant } = await import('../syncer/verify/verify.ts')
      return verifyTenant(input, clients)
    },
  },
  { version: versionHere(), name },
)
