import { fieldsOfKinds } from './data-store-spec.ts'
import { quantityValue } from './quantity.ts'
import type { ClassDefaults } from './tenant-class.ts'
import {
  kubernetesVersions,
  type TenantControlPlane,
  type TenantControlPlaneSpec,
  tenantControlPlaneSpec,
} from './tenant-control-plane.ts'

type Fields = Readonly<Record<string, unknown>>

/** Objects whose fields are laid over one by one. All others are taken whole: half of a class rule or of a bucket from each side is neither's. */
const merged = new Set([
  '',
  'apiServer',
  'apiServer.resources',
  'apiServer.extraArgs',
  'controllerManager',
  'controllerManager.resources',
  'controllerManager.extraArgs',
  'dataStore',
  'network',
  'sync',
  'sync.classes',
  'backup',
  'backup.drill',
  'upgrade',
  'isolation',
  'isolation.pods',
  'isolation.network',
  'isolation.quota',
])

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `over` on top of `base`: what a tenant says on top of what its class says. */
const overlaid = (base: Fields, over: Fields, path = ''): Fields => {
  const entries = Object.entries(over).filter(([, value]) => value !== undefined)
  return {
    ...base,
    ...Object.fromEntries(
      entries.map(([key, value]) => {
        const at = path === '' ? key : `${path}.${key}`
        const below = base[key]
        return [key, merged.has(at) && isFields(below) && isFields(value) ? overlaid(below, value, at) : value]
      }),
    ),
  }
}

/** What defaults say once, when a tenant is made: data and names in certificates stay where and what they are. A disk may grow. */
const fixedFields = { dataStore: ['kind', 'name', 'storageClassName', 'storageSize'], network: ['clusterDomain'] } as const

/** A disk grows, and never shrinks: of another default only more counts. */
const largerOf = (given: unknown, was: unknown): unknown =>
  typeof given === 'string' && typeof was === 'string' && quantityValue(given) > quantityValue(was) ? given : was

/** The defaults for a tenant that is there already: what is fixed is as it was, also where nothing was said. */
const withFixed = (defaults: Fields, before: Fields): Fields => {
  const parts = Object.entries(fixedFields).map(([group, fields]) => {
    const [given, was] = [defaults[group], before[group]].map((value) => (isFields(value) ? value : {})) as [Fields, Fields]
    const left = Object.entries(given).filter(([field]) => !(fields as readonly string[]).includes(field))
    const kept = fields.flatMap((field) => {
      const value = field === 'storageSize' ? largerOf(given[field], was[field]) : was[field]
      return value === undefined ? [] : [[field, value] as const]
    })
    return [group, Object.fromEntries([...left, ...kept])] as const
  })
  return { ...defaults, ...Object.fromEntries(parts) }
}

/** A default of another kind of store than the tenant's says nothing. */
const withoutOtherKinds = (spec: Fields): Fields => {
  const store = isFields(spec['dataStore']) ? spec['dataStore'] : {}
  const kind = store['kind'] ?? 'dedicated'
  const foreign = fieldsOfKinds.filter(([, of]) => of !== kind).map(([field]) => field as string)
  return { ...spec, dataStore: Object.fromEntries(Object.entries(store).filter(([field]) => !foreign.includes(field))) }
}

const numbersOf = (version: string): readonly number[] => version.slice(1).split('.').map(Number)

/** The newer of two versions `vMAJOR.MINOR.PATCH`. */
const newerOf = (a: string, b: string): string => {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  const at = left.findIndex((number, index) => number !== right[index])
  return at < 0 || (left[at] ?? 0) > (right[at] ?? 0) ? a : b
}

/**
 * The version that is served in the place of one that was, of an older Berth: of the same minor, or the next one to it. A tenant that does not say its version
 * itself goes there; nothing else would be to be done.
 */
const servedOf = (version: string): string => {
  const [, minor] = numbersOf(version)
  const same = kubernetesVersions.find((served) => numbersOf(served)[1] === minor)
  if (same !== undefined) return same
  const [newest] = kubernetesVersions
  return newerOf(version, newest) === newest ? (kubernetesVersions.at(-1) ?? newest) : newest
}

/** The version that defaults ask for. They never take a tenant back, and nothing said is no upgrade. */
const defaultVersion = (wanted: string | undefined, running: string | undefined): string => {
  if (wanted === undefined) return servedOf(running ?? kubernetesVersions[0])
  return servedOf(running === undefined ? wanted : newerOf(wanted, running))
}

/** What the manager has noted of a spec; an older Berth may have noted it. */
const servedSpec = (noted: unknown): unknown =>
  isFields(noted) && typeof noted['version'] === 'string' ? { ...noted, version: servedOf(noted['version']) } : noted

/** What the whole of a spec is made of. */
export interface SpecSources {
  /** As its user wrote it. */
  readonly stored: unknown
  /** Of the revision of its class that the tenant is at; {} without a class. */
  readonly defaults: ClassDefaults | Fields
  /** The spec that was in force last; undefined for a tenant of which nothing is made yet. */
  readonly before?: TenantControlPlaneSpec | undefined
  /** The Kubernetes version that it runs. */
  readonly running?: string | undefined
}

/**
 * The whole spec of a tenant: what it says itself, then what its class says, then Berth's own defaults. What is fixed when a tenant is made is not changed by
 * another default. Throws for what the schema does not know.
 */
export const resolveSpec = ({ stored, defaults, before, running }: SpecSources): TenantControlPlaneSpec => {
  const given = before ? withFixed(defaults as Fields, before) : (defaults as Fields)
  const version = defaultVersion(given['version'] as string | undefined, running)
  return tenantControlPlaneSpec.parse(withoutOtherKinds(overlaid({ ...given, version }, isFields(stored) ? stored : {})))
}

/** By stored object, which nobody edits: whoever watches asks for the same ones over and over. */
const known = new WeakMap<object, TenantControlPlaneSpec>()

/** Of an object that the schema does not know, where its user says a version that is no longer served for one: as it is, over the defaults. */
const unchecked = (stored: unknown): TenantControlPlaneSpec =>
  overlaid(tenantControlPlaneSpec.parse({}), isFields(stored) ? stored : {}) as TenantControlPlaneSpec

/**
 * The spec that is in force of a stored tenant, for everybody but the manager, who decides it: of a tenant with a class what the manager has noted, so that
 * nothing beyond the limits of the class is ever acted upon; of any other what is stored, with every default. Never throws: one tenant is no reason to fail at
 * all others.
 */
export const specInForce = (tenant: Pick<TenantControlPlane, 'spec' | 'status'>): TenantControlPlaneSpec => {
  const before = known.get(tenant)
  if (before) return before
  const { spec, status } = tenant
  const stored = spec?.className !== undefined && status?.class ? servedSpec(status.class.spec) : spec
  let inForceNow: TenantControlPlaneSpec
  try {
    inForceNow = resolveSpec({ stored, defaults: {}, running: status?.version })
  } catch {
    inForceNow = unchecked(stored)
  }
  known.set(tenant, inForceNow)
  return inForceNow
}

/** The tenant with the spec that is in force in place of the stored one. */
export const inForce = (tenant: TenantControlPlane): TenantControlPlane => ({ ...tenant, spec: specInForce(tenant) })
