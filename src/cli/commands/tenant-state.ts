import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { withApi } from '../by-api/open.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { codeOf, waitFor } from '../wait-for.ts'
import { readTenant } from './tenants.ts'

type State = TenantControlPlane['spec']['state']

export interface StateOptions extends AccessOptions {
  /** Seconds to wait for the state; 0: not at all. */
  readonly timeout: number
}

/** How far a tenant is on its way to a state, as the manager said of the spec that asks for it. */
export const progressOf = (
  { metadata, status }: Pick<TenantControlPlane, 'metadata' | 'status'>,
  state: State,
): { readonly kind: 'there' | 'refused' | 'under way'; readonly message: string } => {
  const conditionOf = (type: string) => status?.conditions?.find((condition) => condition.type === type)
  const isCurrent = status?.observedGeneration !== undefined && status.observedGeneration >= (metadata.generation ?? 0)
  const [ready, paused] = [conditionOf('Ready'), conditionOf('Paused')]
  if (!isCurrent) return { kind: 'under way', message: 'the manager has not looked at it yet' }
  const rests = state !== 'Running'
  if (rests && paused?.status === 'True' && paused.reason === state) return { kind: 'there', message: paused.message }
  if (rests && paused?.reason === 'DataWouldBeLost') return { kind: 'refused', message: paused.message }
  const isThere = state === 'Running' && ready?.status === 'True'
  return { kind: isThere ? 'there' : 'under way', message: ready?.message ?? 'nothing is known yet' }
}

const verbs = { Paused: 'pause', Hibernated: 'hibernate', Running: 'resume' } as const

/** Sets `spec.state` and waits until it is so. What is waited for is told on stderr whenever it changes. Throws DEADLINE_EXCEEDED with what was seen last. */
export const setState = async (name: string, state: State, options: StateOptions, host: CliHost): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/tenant-life.ts')).changeTenantByApi(name, { kind: verbs[state] }, options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const { metadata } = await readTenant(client, { name, namespace }, host.signal)
    const body = { metadata: { uid: metadata.uid }, spec: { state } }
    await client.patch(resourceTypes.tenantControlPlanes, { name, namespace }, body, { type: 'merge', signal: host.signal })
    if (options.timeout === 0) return exitCodes.done
    const look = async () => {
      const { kind, message } = progressOf(await readTenant(client, { name, namespace }, host.signal), state)
      return { code: codeOf(kind, exitCodes), message }
    }
    const late = (message: string) =>
      `tenant ${name} is not ${state} after ${options.timeout} s: ${message}. It goes on by itself; berth tenant get ${name} shows how`
    return await waitFor(`tenant ${name}`, look, { timeout: options.timeout, late }, host)
  } finally {
    await client.close()
  }
}
