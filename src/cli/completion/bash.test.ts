import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

// A real bash with the script that a person would load, and a real berth behind it.
const program = join(import.meta.dirname, '../../bin/cli.ts')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-completion-'))
  const berth = join(folder, 'berth')
  await writeFile(berth, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
  await chmod(berth, 0o755)
  await writeFile(join(folder, 'with space.yaml'), '')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What bash would offer at the end of the words, a line each. */
const complete = (...words: readonly string[]): Promise<{ lines: readonly string[]; err: string }> =>
  new Promise((resolve, reject) => {
    const script = `
      source <(berth completion bash)
      COMP_WORDS=(berth "$@")
      COMP_CWORD=$#
      _berth
      printf '%s\\n' "\${COMPREPLY[@]}"`
    // No terminal, no cluster: what cannot be asked must be silent.
    const env = { PATH: `${folder}${delimiter}${process.env['PATH']}`, HOME: folder, KUBECONFIG: join(folder, 'none') }
    execFile('bash', ['--norc', '-c', script, 'bash', ...words], { env, cwd: folder, timeout: 30_000 }, (error, out, err) => {
      if (error) reject(error)
      else resolve({ lines: out.split('\n').filter(Boolean), err })
    })
  })

test.for<[words: readonly string[], offered: readonly string[]]>([
  [['tenant', 'li'], ['list']],
  [['ten'], ['tenant']],
  [['verify', 'acme', '-o', 'j'], ['json']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['tenant', 'upgrade', 'acme', 'v1.37'], ['v1.37.1']],
  [['explain', 'change', '-f', 'with'], ['with space.yaml']],
  [['verify', ''], []],
  [['nonsense', ''], []],
])('bash completes %j', async ([words, offered]) => {
  expect(await complete(...words)).toEqual({ lines: offered, err: '' })
})
