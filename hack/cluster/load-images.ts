import type { ImageArchive } from '../images/oci-image.ts'
import { run } from '../run.ts'

/** Names and manifest digests of what a node has. */
const present = async (ctr: string, socket: string): Promise<Map<string, string>> => {
  const listing = await run(ctr, ['--address', socket, '--namespace', 'k8s.io', 'images', 'list'])
  const rows = listing
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/))
  return new Map(rows.map(([name = '', , digest = '']) => [name, digest]))
}

/** Imports the archives that a node does not have yet, one after the other. Gives the names it imported. */
export const loadOnNode = async (ctr: string, socket: string, archives: readonly ImageArchive[]): Promise<string[]> => {
  const has = await present(ctr, socket)
  const missing = archives.filter(({ names, digest }) => names.some((name) => has.get(name) !== digest))
  for (const { tar } of missing) {
    await run(
      ctr,
      ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', '--local', '--discard-unpacked-layers', tar],
      { timeoutMs: 300_000 },
    )
  }
  return missing.flatMap(({ names }) => names)
}
