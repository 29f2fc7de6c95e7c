import { rmSync } from 'node:fs'
import { lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'berth-connect-'

/** Where files of one session of one user belong: in memory, where the system has such a place. */
const sessionFolder = async (runtimeDir: string | undefined): Promise<string> => {
  const found = runtimeDir === undefined ? undefined : await lstat(runtimeDir).catch(() => undefined)
  // Others may have a hand in what is not this user's alone.
  const isOurs = found?.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0
  return runtimeDir !== undefined && isOurs ? runtimeDir : tmpdir()
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes what earlier processes of this user left that were killed. */
const sweep = async (folder: string): Promise<void> => {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(prefix))
  for (const name of names) {
    const pid = Number(/^berth-connect-(\d+)-/.exec(name)?.[1])
    if (!Number.isSafeInteger(pid) || isAlive(pid)) continue
    const path = join(folder, name)
    const found = await lstat(path).catch(() => undefined)
    if (found?.isDirectory() && found.uid === process.getuid?.()) await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

/**
 * Runs `use` with the path of a file with this text that only its owner can read, in a folder that only its owner can enter. It is gone afterwards, however this
 * process ends; only SIGKILL leaves it, until this runs the next time.
 */
export const withPrivateFile = async <T>(
  { name, text, runtimeDir }: { readonly name: string; readonly text: string; readonly runtimeDir: string | undefined },
  use: (path: string) => Promise<T>,
): Promise<T> => {
  const place = await sessionFolder(runtimeDir)
  await sweep(place)
  const folder = await mkdtemp(join(place, `${prefix}${process.pid}-`))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    const path = join(folder, name)
    await writeFile(path, text, { mode: 0o600, flag: 'wx' })
    return await use(path)
  } finally {
    process.off('exit', remove)
    remove()
  }
}
