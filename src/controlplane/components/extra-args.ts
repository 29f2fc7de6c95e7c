import { type ClosedFlags, closedApiServerFlags, closedControllerManagerFlags, flagRefusal } from '../../apis/closed-flags.ts'
import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { admissionGate } from './told/files.ts'

type ExtraArgs = Readonly<Record<string, string>> | undefined

/** The flags a spec adds, in the order of their names: the same map is always the same pod template. */
export const extraFlags = (args: ExtraArgs = {}): string[] =>
  Object.entries(args)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `--${name}=${value}`)

/** A gate that Berth needs: an API server without it does not start with Berth's flags. */
const gateRefusal = ({ 'feature-gates': gates = '' }: NonNullable<ExtraArgs>): string | undefined =>
  gates.includes(admissionGate)
    ? `spec.apiServer.extraArgs may not set ${admissionGate} in "feature-gates": Berth sets it. Take it out`
    : undefined

const refusalIn = (args: ExtraArgs, closed: readonly ClosedFlags[], field: string): string | undefined => {
  for (const name of Object.keys(args ?? {})) {
    const why = flagRefusal(name, closed)
    if (why !== undefined) return `${field} may not set ${JSON.stringify(name)}: ${why}. Take it out`
  }
  return undefined
}

/** Why flags of a spec are not used; undefined when all may be. Admission says the same of most of them. */
export const flagsRefusal = {
  apiServer: ({ apiServer }: Pick<TenantControlPlaneSpec, 'apiServer'>) =>
    refusalIn(apiServer.extraArgs, closedApiServerFlags, 'spec.apiServer.extraArgs') ?? gateRefusal(apiServer.extraArgs ?? {}),
  controllerManager: ({ controllerManager }: Pick<TenantControlPlaneSpec, 'controllerManager'>) =>
    refusalIn(controllerManager.extraArgs, closedControllerManagerFlags, 'spec.controllerManager.extraArgs'),
} as const
