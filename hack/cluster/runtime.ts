import type { ImageArchive } from '../images/oci-image.ts'
import { run } from '../run.ts'

const onNode = (ctr: string, socket: string, args: readonly string[], timeoutMs = 30_000): Promise<string> =>
  run(ctr, ['--address', socket, '--namespace', 'k8s.io', ...args], { timeoutMs })

const rowsOf = (listing: string): string[][] =>
  listing
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/))

/** Ids of the containers that run on a node, straight from its runtime. */
export const runningContainers = async (ctr: string, socket: string): Promise<Set<string>> => {
  const rows = rowsOf(await onNode(ctr, socket, ['tasks', 'list']))
  return new Set(rows.filter(([, , state]) => state === 'RUNNING').map(([id = '']) => id))
}

/** Names and manifest digests of what a node has. */
const present = async (ctr: string, socket: string): Promise<Map<string, string>> =>
  new Map(rowsOf(await onNode(ctr, socket, ['images', 'list'])).map(([name = '', , digest = '']) => [name, digest]))

/** Imports the archives that a node does not have yet, one after the other. Gives the names it imported. */
export const loadOnNode = async (ctr: string, socket: string, archives: readonly ImageArchive[]): Promise<string[]> => {
  const has = await present(ctr, socket)
  const missing = archives.filter(({ names, digest }) => names.some((name) => has.get(name) !== digest))
  for (const { tar } of missing) {
    await onNode(ctr, socket, ['images', 'import', '--local', '--discard-unpacked-layers', tar], 300_000)
  }
  return missing.flatMap(({ names }) => names)
}
