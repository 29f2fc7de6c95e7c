import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile, stateBase } from './state.ts'

/**
 * Each API server, kubelet and kube-proxy watches a few files, and all of one user share this limit, whatever namespace they run in. The
 * usual 128 is used up by about ten tenants.
 */
const path = '/proc/sys/fs/inotify/max_user_instances'
const wanted = 8192

const savedPath = (): string => join(stateBase(), '.inotify-instances')

/** Raises the limit and notes what it was. */
export const raiseLimits = async (): Promise<void> => {
  const current = (await readFile(path, 'utf8')).trim()
  if (Number(current) >= wanted) return
  await replaceFile(savedPath(), current)
  await writeFile(path, String(wanted))
}

/** Puts the limit back. For when the last cluster is gone. */
export const restoreLimits = async (): Promise<void> => {
  if (!existsSync(savedPath())) return
  await writeFile(path, await readFile(savedPath(), 'utf8'))
  await rm(savedPath())
}
