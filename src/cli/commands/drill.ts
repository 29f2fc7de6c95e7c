import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { waitFor } from '../wait-for.ts'
import { readSnapshot } from './read-snapshot.ts'

export interface DrillOptions extends AccessOptions {
  /** Seconds to wait for the end; 0: not at all. */
  readonly timeout: number
  readonly identitySecret?: string
}

const type = resourceTypes.controlPlaneSnapshots

/** Asks for a restore drill of a snapshot, and waits for it. */
export const drillSnapshot = async (name: string, options: DrillOptions, host: CliHost): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  const { signal } = host
  const ref = { name, namespace }
  try {
    const before = await readSnapshot(client, ref, signal)
    const drill = { requestedAt: new Date(host.now()).toISOString(), identitySecretName: options.identitySecret ?? null }
    await client.patch(type, ref, { spec: { drill } }, { type: 'merge', signal })
    if (options.timeout === 0) return exitCodes.done
    const look = async () => {
      const seen = (await client.get<ControlPlaneSnapshot>(type, ref, { signal }))?.status?.drill
      if (!seen || seen.request === before.status?.drill?.request) return { message: 'waits for the manager' }
      const code = { Running: undefined, Passed: exitCodes.done, Failed: exitCodes.failed }[seen.result]
      return { message: seen.message, code }
    }
    const what = `drill of snapshot ${name}`
    const late = (message: string) => `${what} is not done after ${options.timeout} s: ${message}. It goes on by itself`
    return await waitFor(what, look, { timeout: options.timeout, late }, host)
  } finally {
    await client.close()
  }
}
