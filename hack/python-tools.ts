import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDir, contentKey } from './cache.ts'
import { withLock } from './lock.ts'
import { type Progress, silent } from './progress.ts'
import { run } from './run.ts'

/** Programs of Python that tests use, each pinned with all that it needs in `tools/NAME/requirements.txt`. */
export type PythonTool = 'schemathesis'

/** Packages only as the file pins them, by their hashes; nothing is built, so that no code of theirs runs here to be installed. */
const installArgs = [
  'install',
  '--quiet',
  '--disable-pip-version-check',
  '--require-hashes',
  '--only-binary',
  ':all:',
  '--no-deps',
]

/**
 * Gives the path of a Python that has the tool, made where it is missing: run the tool with `-m`. It is kept by content, so a changed pin or another Python of
 * this machine makes a new one. A killed installation leaves nothing that looks finished.
 * @throws with the words of venv or pip: Debian has venv in its package python3-venv.
 */
export const ensurePython = async (tool: PythonTool, { progress = silent }: { progress?: Progress } = {}): Promise<string> => {
  const requirements = join(import.meta.dirname, 'tools', tool, 'requirements.txt')
  const version = await run('python3', ['-c', 'import sys, platform; print(sys.version, platform.machine(), sys.base_prefix)'])
  const dir = join(cacheDir(), 'python', `${tool}-${contentKey(await readFile(requirements), version)}`)
  const python = join(dir, 'bin', 'python')
  if (existsSync(python)) return python
  const make = async (): Promise<void> => {
    // Who had the lock before may have made it.
    if (existsSync(python)) return
    const began = Date.now()
    progress(`installing ${tool}`)
    await mkdir(dirname(dir), { recursive: true })
    const partial = await mkdtemp(join(dirname(dir), '.partial-'))
    try {
      await run('python3', ['-m', 'venv', partial])
      await run(join(partial, 'bin', 'python'), ['-m', 'pip', ...installArgs, '--requirement', requirements], {
        timeoutMs: 10 * 60_000,
      })
      // Its Python finds its packages beside itself, wherever that is.
      await rename(partial, dir)
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
    progress(`installed ${tool} in ${((Date.now() - began) / 1000).toFixed(0)} s`)
  }
  const onWait = () => progress(`waiting for another process that installs ${tool}`)
  await withLock(join(cacheDir(), 'locks', `python-${tool}`), make, { deadlineMs: 15 * 60_000, onWait })
  return python
}
