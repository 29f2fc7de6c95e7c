import { shortHash } from './names.ts'

/** What the init container runs that writes a pod's hosts file in super. */
export const hostsFileCommand: readonly string[] = ['/usr/local/bin/node', '/app/dist/bin/hosts-file.js']

const prefix = 'etc-hosts-'

/** Its name, `turn` by turn, until one is free in the pod. */
export const hostsContainerName = (podUid: string, turn: number): string => `${prefix}${shortHash([podUid, String(turn)], 6)}`

/** True for the init container that Berth puts into a super pod and that its tenant knows nothing of. */
export const isHostsContainer = ({ name, command }: { readonly name?: unknown; readonly command?: unknown }): boolean =>
  typeof name === 'string' && name.startsWith(prefix) && JSON.stringify(command) === JSON.stringify(hostsFileCommand)
