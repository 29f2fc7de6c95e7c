import { podSecurityLevels } from '../../apis/isolation.ts'
import { quantityValue } from '../../apis/quantity.ts'
import type { ClassLimits } from '../../apis/tenant-class.ts'
import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { isolationSettings } from '../../tenancy/isolation.ts'

/** One thing that a spec says beyond a limit of its class. */
export interface Violation {
  /** Path below `spec`. */
  readonly field: string
  readonly value: unknown
  /** What the class allows, in words. */
  readonly limit: string
}

/** What a limit is held against. */
export interface Judged {
  /** The whole spec: what the tenant says and what its class says. */
  readonly spec: TenantControlPlaneSpec
  /** What the class says of the same: flags and resources of the class itself are no tenant's. */
  readonly ofClass: TenantControlPlaneSpec
}

const components = ['apiServer', 'controllerManager'] as const

const oneOf = (field: string, value: unknown, allowed: readonly unknown[] | undefined): readonly Violation[] =>
  allowed === undefined || value === undefined || allowed.includes(value)
    ? []
    : [{ field, value, limit: allowed.length === 0 ? 'none' : `one of ${allowed.join(', ')}` }]

const atMost = (field: string, value: number, max: number | undefined): readonly Violation[] =>
  max === undefined || value <= max ? [] : [{ field, value, limit: `at most ${max}` }]

const ofStore = ({ dataStore }: TenantControlPlaneSpec, limits: ClassLimits): readonly Violation[] => [
  ...oneOf('dataStore.kind', dataStore.kind, limits.dataStoreKinds),
  ...(dataStore.kind === 'shared' ? oneOf('dataStore.name', dataStore.name, limits.dataStoreNames) : []),
  ...(dataStore.kind === 'dedicated'
    ? [
        ...atMost('dataStore.replicas', dataStore.replicas, limits.maxDataStoreReplicas),
        ...(limits.maxStorageSize !== undefined && quantityValue(dataStore.storageSize) > quantityValue(limits.maxStorageSize)
          ? [{ field: 'dataStore.storageSize', value: dataStore.storageSize, limit: `at most ${limits.maxStorageSize}` }]
          : []),
      ]
    : []),
]

/** Flags and resources that differ from what the class says. Told by their names: the values are the tenant's own business. */
const ownOf = ({ spec, ofClass }: Judged, field: 'extraArgs' | 'resources', isAllowed: boolean | undefined) =>
  isAllowed === false
    ? components.flatMap((component): readonly Violation[] => {
        const given: Readonly<Record<string, string | undefined>> = ofClass[component][field] ?? {}
        const names = Object.entries(spec[component][field] ?? {}).flatMap(([name, value]) =>
          given[name] === value ? [] : [name],
        )
        return names.length === 0
          ? []
          : [{ field: `${component}.${field}`, value: names.join(', '), limit: 'none but those of the class' }]
      })
    : []

/** Everything that a spec says beyond the limits of its class. */
export const limitViolations = (judged: Judged, limits: ClassLimits = {}): readonly Violation[] => {
  const { spec } = judged
  const { podSecurity } = isolationSettings(spec.isolation)
  const min = limits.minPodSecurity
  return [
    ...oneOf('version', spec.version, limits.versions),
    ...oneOf('size', spec.size, limits.sizes),
    ...atMost('apiServer.replicas', spec.apiServer.replicas, limits.maxApiServerReplicas),
    ...oneOf('apiServer.exposure.type', spec.apiServer.exposure?.type, limits.exposureTypes),
    ...atMost('controllerManager.replicas', spec.controllerManager.replicas, limits.maxControllerManagerReplicas),
    ...ownOf(judged, 'extraArgs', limits.allowExtraArgs),
    ...ownOf(judged, 'resources', limits.allowResources),
    ...ofStore(spec, limits),
    ...atMost('network.maxServiceSlices', spec.network.maxServiceSlices, limits.maxServiceSlices),
    ...(min !== undefined && podSecurityLevels.indexOf(podSecurity) < podSecurityLevels.indexOf(min)
      ? [{ field: 'isolation.podSecurity', value: podSecurity, limit: `${min} or stricter` }]
      : []),
  ]
}

/** For people: field, value, limit and what to do. */
export const violationText = (violations: readonly Violation[], className: string): string =>
  violations
    .map(
      ({ field, value, limit }) =>
        `spec.${field}: ${String(value)} is beyond what TenantClass ${className} allows (${limit}): change it, or name another class in spec.className`,
    )
    .join('; ')

type Fields = Record<string, unknown>

const at = (spec: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Fields | undefined)?.[key], spec)

const withValue = (spec: Fields, [key = '', ...rest]: readonly string[], value: unknown): Fields => ({
  ...spec,
  [key]: rest.length === 0 ? value : withValue((spec[key] ?? {}) as Fields, rest, value),
})

/** Where a field is held as it was: a way in from outside, and a store, are held whole, as half of each would be neither. */
const heldPath = (field: string): readonly string[] => {
  if (field.startsWith('apiServer.exposure')) return ['apiServer', 'exposure']
  return field === 'dataStore.kind' || field === 'dataStore.name' ? ['dataStore'] : field.split('.')
}

/** The spec with what is beyond the limits as it was before. */
export const heldBack = (
  spec: TenantControlPlaneSpec,
  violations: readonly Violation[],
  before: TenantControlPlaneSpec,
): TenantControlPlaneSpec =>
  violations.reduce<Fields>((held, { field }) => {
    const path = heldPath(field)
    return withValue(held, path, at(before, path))
  }, spec) as TenantControlPlaneSpec
