import { resourceTypes } from '../../apis/resource-types.ts'
import { specInForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { codeOf, waitFor } from '../wait-for.ts'
import { readTenant } from './tenants.ts'

interface WaitOptions extends AccessOptions {
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}
export interface RotateOptions extends WaitOptions {
  readonly authorities?: boolean
  readonly serviceAccountKeys?: boolean
}
export interface CutOptions extends WaitOptions {
  readonly now?: boolean
}

type Certificates = TenantControlPlane['spec']['certificates']
type Goal = 'issuing' | 'cut'

const rotatingOf = ({ status }: Pick<TenantControlPlane, 'status'>) =>
  status?.conditions?.find(({ type }) => type === 'RotatingCA')

/** The spec that begins a rotation of the chosen keys, of both when none is chosen. An object of before there were rotations has the first generation. */
export const rotationSpecOf = (
  certificates: Certificates | undefined,
  { authorities = false, serviceAccountKeys = false }: Pick<RotateOptions, 'authorities' | 'serviceAccountKeys'>,
): Partial<Certificates> => {
  const both = authorities === serviceAccountKeys
  const next = (family: keyof Certificates) => ({
    generation: (certificates?.[family].generation ?? 1) + 1,
    old: 'Trust' as const,
  })
  return {
    ...((both || authorities) && { authorities: next('authorities') }),
    ...((both || serviceAccountKeys) && { serviceAccountKeys: next('serviceAccountKeys') }),
  }
}

/** How far a rotation is, as the manager said of the spec that asks for it. */
export const rotationProgress = (
  tenant: Pick<TenantControlPlane, 'metadata' | 'status'>,
  goal: Goal,
): { readonly kind: 'there' | 'refused' | 'under way'; readonly message: string } => {
  const observed = tenant.status?.observedGeneration ?? -1
  if (observed < (tenant.metadata.generation ?? 0)) return { kind: 'under way', message: 'the manager has not looked at it yet' }
  const condition = rotatingOf(tenant)
  if (!condition) return { kind: 'there', message: 'only the new keys are trusted' }
  const { reason, message } = condition
  if (reason === 'RotationRefused') return { kind: 'refused', message }
  return { kind: goal === 'issuing' && reason === 'OldTrusted' ? 'there' : 'under way', message }
}

const untilDone = async (
  ref: { readonly name: string; readonly namespace: string },
  { client, goal, timeout, host }: { client: KubeClient; goal: Goal; timeout: number; host: CliHost },
): Promise<ExitCode> => {
  const look = async () => {
    const { kind, message } = rotationProgress(await readTenant(client, ref, host.signal), goal)
    return { code: codeOf(kind, exitCodes), message }
  }
  const late = (message: string) =>
    `the rotation of tenant ${ref.name} is not that far after ${timeout} s: ${message}. It goes on by itself; berth tenant get ${ref.name} shows how`
  return waitFor(`tenant ${ref.name}`, look, { timeout, late }, host)
}

const change = async (
  name: string,
  options: WaitOptions,
  {
    goal,
    host,
    specOf,
  }: {
    goal: Goal
    host: CliHost
    specOf: (tenant: TenantControlPlane) => Partial<Record<keyof Certificates, object>> | undefined
  },
): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const tenant = await readTenant(client, { name, namespace }, host.signal)
    const certificates = specOf(tenant)
    if (!certificates) return goal === 'cut' ? exitCodes.done : exitCodes.failed
    const body = { metadata: { uid: tenant.metadata.uid }, spec: { certificates } }
    await client.patch(resourceTypes.tenantControlPlanes, { name, namespace }, body, { type: 'merge', signal: host.signal })
    return options.wait ? await untilDone({ name, namespace }, { client, goal, timeout: options.timeout, host }) : exitCodes.done
  } finally {
    await client.close()
  }
}

/** Begins a rotation. With `wait`: until the new keys issue, and the old ones are only trusted. */
export const rotateKeys = (name: string, options: RotateOptions, host: CliHost): Promise<ExitCode> =>
  change(name, options, {
    goal: 'issuing',
    host,
    specOf: (tenant) => {
      const underWay = rotatingOf(tenant)
      if (underWay?.status !== 'True') return rotationSpecOf(specInForce(tenant).certificates, options)
      host.stderr.write(
        `a rotation of tenant ${name} is under way (${underWay.message}); end it with \`berth certs cut ${name}\` first\n`,
      )
      return undefined
    },
  })

/** Ends a rotation: the old keys go when nobody uses them, or at once. With `wait`: until nothing trusts them any more. */
export const cutKeys = (name: string, options: CutOptions, host: CliHost): Promise<ExitCode> =>
  change(name, options, {
    goal: 'cut',
    host,
    specOf: (tenant) => {
      const old = options.now ? 'CutNow' : 'Cut'
      if (rotatingOf(tenant)?.status === 'True') return { authorities: { old }, serviceAccountKeys: { old } }
      host.stderr.write(`no rotation of tenant ${name} is under way: there is nothing to cut\n`)
      return undefined
    },
  })
