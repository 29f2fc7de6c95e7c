#!/usr/bin/env node
import { readFileSync } from 'node:fs'
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
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')))

process.exitCode = await runCli(
  process.argv.slice(2),
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
    diagnose: async (input, clients) => {
      const { diagnose } = await import('../controlplane/doctor/look.ts')
      return diagnose(input, clients)
    },
    verify: async (input, clients) => {
      const { verifyTenant } = await import('../syncer/verify/verify.ts')
      return verifyTenant(input, clients)
    },
  },
  { version: versionHere() },
)
