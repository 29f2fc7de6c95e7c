import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Runs `work` while holding the lock file, which one process at a time can. The kernel holds it for a child (`flock`) whose
 * standard input we keep open, so it is given back however we end, kill -9 included, and no stale lock can be left.
 * @param onWait is called when another process has it.
 * @throws when it is not free within `deadlineMs`.
 */
export const withLock = async <T>(
  path: string,
  work: () => Promise<T>,
  { deadlineMs, onWait }: { deadlineMs: number; onWait?: () => void },
): Promise<T> => {
  await mkdir(dirname(path), { recursive: true })
  const holder = spawn('flock', ['-x', '-w', String(Math.ceil(deadlineMs / 1000)), path, 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true, // a Ctrl-C for us must not take the lock away while we tidy up
  })
  const notice = setTimeout(() => onWait?.(), 500)
  const outcome = await Promise.race([
    once(holder.stdout, 'data').then(() => 'held' as const),
    once(holder, 'exit').then(() => 'refused' as const),
    once(holder, 'error').then(([error]) => error as Error),
  ])
  clearTimeout(notice)
  if (outcome !== 'held')
    throw new Error(`${path} stayed locked by another process for ${deadlineMs / 1000} s`, { cause: outcome })
  try {
    return await work()
  } finally {
    const gone = once(holder, 'exit')
    holder.stdin.end()
    await gone
  }
}
