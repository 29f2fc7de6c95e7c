import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import type { Change } from '../install/apply.ts'
import type { Side } from '../install/holder.ts'
import { refuseWhileInUse } from '../install/in-use.ts'
import { allObjects } from '../install/manifests.ts'
import { definitionsLeft, removeInstall } from '../install/remove.ts'
import { changesText } from './install.ts'

export interface UninstallOptions extends Omit<AccessOptions, 'namespace'> {
  readonly side: Side
  readonly crds?: boolean
  readonly check?: boolean
  /** Seconds. */
  readonly timeout: number
}

/** `berth uninstall`. */
export const uninstall = async (
  { side, crds = false, check, timeout, ...access }: UninstallOptions,
  host: CliHost,
): Promise<ExitCode> => {
  const { client } = await openAccess(access, host.env)
  const { signal } = host
  try {
    if (check) {
      await refuseWhileInUse(client, { side, definitions: crds, signal })
      host.stdout.write('nothing of tenants is left: Berth may be removed\n')
      return exitCodes.done
    }
    const objects = await allObjects()
    const changes: Change[] = []
    await removeInstall(client, {
      objects,
      side,
      definitions: crds,
      timeoutMs: timeout * 1000,
      signal,
      tell: (change) => {
        changes.push(change)
        host.stdout.write(`${change.id} ${change.change}\n`)
      },
      tellForeign: (id) => void host.stderr.write(`${id} is not of Berth and stays\n`),
    })
    host.stdout.write(`${client.server}: ${changesText(changes) || 'nothing of Berth was there'}\n`)
    const left = crds ? [] : await definitionsLeft(client, objects, signal)
    if (left.length > 0) host.stdout.write(`definitions stay: ${left.join(', ')}; berth uninstall --crds removes them\n`)
    return exitCodes.done
  } finally {
    await client.close()
  }
}
