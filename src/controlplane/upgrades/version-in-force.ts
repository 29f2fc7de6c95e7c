import { kubernetesVersions, type TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { UpgradeStatus } from '../../apis/upgrade.ts'
import type { KubernetesVersion } from '../versions.ts'

const partsOf = (version: string): readonly number[] => version.replace(/^v/, '').split('.').map(Number)

/** Less than 0 when `a` is the older version, more when it is the newer one. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [partsOf(a), partsOf(b)]
  const index = left.findIndex((part, at) => part !== right[at])
  return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0)
}

/** Minor of a version, for example 37. */
export const minorOf = (version: string): number => partsOf(version)[1] ?? 0

/** True while the components of a tenant are to run what an upgrade leads to. */
const hasRolled = ({ phase }: UpgradeStatus): boolean => phase === 'RollingOut' || phase === 'Verifying' || phase === 'Done'

const isServed = (version: string | undefined): version is KubernetesVersion =>
  kubernetesVersions.some((served) => served === version)

/**
 * The version that a tenant's components are to run now. What its spec wants comes into force by an upgrade, a step at a time, and goes out of force again
 * when that fails; only before the first start they are the same.
 */
export const versionInForce = ({ spec, status }: Pick<TenantControlPlane, 'spec' | 'status'>): KubernetesVersion => {
  if (status?.version === undefined) return spec.version
  const { upgrade } = status
  const said = upgrade ? (hasRolled(upgrade) ? upgrade.to : upgrade.from) : status.version
  // One that this Berth does not serve any more cannot be run.
  return isServed(said) ? said : spec.version
}

/** The tenant with the version that is in force in place of the one that is wanted. */
export const withVersionInForce = (tenant: TenantControlPlane): TenantControlPlane => {
  const version = versionInForce(tenant)
  return version === tenant.spec.version ? tenant : { ...tenant, spec: { ...tenant.spec, version } }
}
