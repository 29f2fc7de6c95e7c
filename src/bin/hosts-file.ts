// Runs as the first init container of a pod: writes the pod's hosts file, with the names the pod has in its tenant. It loads next to nothing, for every
// such pod waits for it. Arguments: path, the pod's addresses by commas, its names and host aliases as JSON.
import { writeFile } from 'node:fs/promises'
import { hostsText } from '../syncer/pods/hosts-text.ts'

const [path = '', addresses = '', names = '[]', aliases = '[]'] = process.argv.slice(2)
await writeFile(
  path,
  hostsText({
    addresses: addresses.split(',').filter(Boolean),
    names: JSON.parse(names) as string[],
    aliases: JSON.parse(aliases) as { ip: string; hostnames?: string[] }[],
  }),
  { mode: 0o644 },
)
