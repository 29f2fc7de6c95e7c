import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePython } from '../../hack/python-tools.ts'
import { attempt } from '../../hack/run.ts'

const config = join(import.meta.dirname, '../../hack/tools/schemathesis/schemathesis.toml')

/** Asks the API at an address all that its document allows, and much that it does not. Resolves with what schemathesis said. */
export const runSchemathesis = async ({
  url,
  key,
  deadlineMs,
}: {
  readonly url: string
  readonly key: string
  readonly deadlineMs: number
}): Promise<{ readonly ok: boolean; readonly output: string }> => {
  const python = await ensurePython('schemathesis')
  // What it keeps between runs is not to be kept: a run says the same twice.
  const cwd = await mkdtemp(join(tmpdir(), 'berth-schemathesis-'))
  try {
    const args = ['-m', 'schemathesis.cli', '--config-file', config, 'run', `${url}/openapi.json`, '--no-color']
    const env = { BERTH_URL: url, BERTH_KEY: key, NO_PROXY: '127.0.0.1', PYTHONDONTWRITEBYTECODE: '1' }
    return await attempt(python, args, { cwd, env, timeoutMs: deadlineMs })
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}
