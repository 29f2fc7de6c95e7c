import type { CustomKind } from '../../apis/custom-kind.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { mirroredLabel } from '../../tenancy/marks.ts'
import { gatewayRules } from '../gateways/gateways.ts'
import { gatewaysKey, grpcRoutesKey, httpRoutesKey, isGatewayApi } from '../gateways/kinds.ts'
import { grpcRouteRules, httpRouteRules } from '../gateways/routes.ts'
import type { SuperBody, SyncContext, SyncedResource, TenantWrite } from '../resource.ts'
import { wantedHashOf, wantedObject } from '../super-object.ts'
import type { CustomRules } from './custom-rules.ts'
import { mergePatch } from './merge-patch.ts'
import { mapMessages, tenantText } from './tenant-text.ts'
import { snapshotDefinition, snapshotRules } from './volume-snapshots.ts'

/** Kept by the API server, or by each side for itself. */
const ownFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status'])

const inGroup = (key: string, group: string): boolean => {
  const domain = key.includes('/') ? (key.split('/', 1)[0] ?? '') : ''
  return domain === group || domain.endsWith(`.${group}`)
}

/** What super's controllers have seen, counted in the tenant's generations. */
const observedGeneration = (superObject: KubeObject, tenantObject: KubeObject, isCurrent: boolean) => {
  const { generation = 0 } = tenantObject.metadata
  return (observed: unknown): number =>
    isCurrent && observed === superObject.metadata.generation ? generation : Math.max(0, generation - 1)
}

/** `value` with each `observedGeneration`, at any depth, put through `count`. */
const mapGenerations = (value: unknown, count: (observed: unknown) => number): unknown => {
  if (Array.isArray(value)) return value.map((item: unknown) => mapGenerations(item, count))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'observedGeneration' && typeof inner === 'number' ? count(inner) : mapGenerations(inner, count),
    ]),
  )
}

const pick = (status: Readonly<Record<string, unknown>>, fields: readonly string[] | undefined): Record<string, unknown> =>
  Object.fromEntries(Object.entries(status).filter(([field]) => fields === undefined || fields.includes(field)))

const statusToTenant = (
  superObject: KubeObject,
  tenantObject: KubeObject,
  {
    statusFields,
    isCurrent,
    rules,
    ctx,
  }: {
    statusFields: readonly string[] | undefined
    isCurrent: boolean
    rules: CustomRules | undefined
    ctx: SyncContext
  },
): readonly TenantWrite[] => {
  const { namespace = '', uid = '' } = tenantObject.metadata
  const text = tenantText({
    namespace,
    superNamespaceName: superObject.metadata.namespace ?? '',
    uids: [[superObject.metadata.uid ?? '', uid], ...(rules?.names?.(tenantObject, ctx) ?? [])],
  })
  const picked = pick(superObject.status ?? {}, statusFields)
  const wanted = mapGenerations(
    mapMessages(rules?.status?.(picked, tenantObject, ctx) ?? picked, text),
    observedGeneration(superObject, tenantObject, isCurrent),
  )
  const status = mergePatch(pick(tenantObject.status ?? {}, statusFields), wanted)
  return status === undefined ? [] : [{ kind: 'status', status: status as Record<string, unknown> }]
}

export const customType = ({ group, version, plural, kind }: CustomKind): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced: true,
  custom: true,
})

/** Kinds by declaration of which Berth knows what they mean, by the name of their definition. */
export const knownRules: ReadonlyMap<string, CustomRules> = new Map([
  [snapshotDefinition, snapshotRules],
  [gatewaysKey, gatewayRules],
  [httpRoutesKey, httpRouteRules],
  [grpcRoutesKey, grpcRouteRules],
])

/**
 * A kind by declaration: all but metadata and status goes down as it is, the status comes up. Names in the spec are taken as of the same namespace, where
 * objects keep their names. Of the annotations only those of the kind's own group go down: others steer controllers that nobody declared.
 */
export const customResource = (declared: CustomKind): SyncedResource => {
  const { group } = declared
  const rules = knownRules.get(definitionName(declared))
  const statusFields = declared.statusFields ?? rules?.statusFields
  const passing = (object: KubeObject): SuperBody => ({
    annotations: Object.fromEntries(Object.entries(object.metadata.annotations ?? {}).filter(([key]) => inGroup(key, group))),
    fields: Object.fromEntries(Object.entries(object).filter(([field]) => !ownFields.has(field))),
  })
  const resource: SyncedResource = {
    type: customType(declared),
    superWatch: 'labelled',
    goneInSuper: 'recreate',
    toSuper: (object, ctx) => rules?.toSuper(object, ctx, passing(object)) ?? { kind: 'object', body: passing(object) },
    toTenant: (superObject, tenantObject, ctx: SyncContext) => {
      const wanted = wantedObject(resource, tenantObject, ctx)
      const isCurrent = wanted.kind === 'object' && wantedHashOf(wanted.object) === wantedHashOf(superObject)
      return statusToTenant(superObject, tenantObject, { statusFields, isCurrent, rules, ctx })
    },
    ...(rules?.dependencies && { dependencies: rules.dependencies }),
  }
  return resource
}

/** Name of the CustomResourceDefinition of a kind, which is also the key of its caches. */
export const definitionName = (declared: CustomKind): string => kindKey(customType(declared))

/** A definition of super's that a tenant gets. */
interface OfferedDefinition {
  readonly kind: CustomKind
  /** True for classes, which come up as copies; objects of any other kind go down. */
  readonly isClass: boolean
}

const asDeclared = ({ group, version, plural, kind }: ResourceType): CustomKind => ({ group, version, plural, kind })

/** Classes that come with a kind whose objects name them. */
const classOf: ReadonlyMap<string, CustomKind> = new Map([
  [snapshotDefinition, asDeclared(resourceTypes.volumeSnapshotClasses)],
  [gatewaysKey, asDeclared(resourceTypes.gatewayClasses)],
])

/** All definitions that the declared kinds bring: their own, and those of the classes that their objects name. */
export const offeredDefinitions = (customKinds: readonly CustomKind[]): readonly OfferedDefinition[] => [
  ...customKinds.map((kind) => ({ kind, isClass: false })),
  ...customKinds.flatMap((declared) => {
    const kind = classOf.get(definitionName(declared))
    return kind ? [{ kind, isClass: true }] : []
  }),
]

interface DefinitionVersion {
  name: string
  served: boolean
  schema?: unknown
  additionalPrinterColumns?: unknown
  selectableFields?: unknown
  subresources?: { scale?: unknown }
}

/** Annotation without which an API server takes no definition of a group of Kubernetes' own. */
const approvalAnnotation = 'api-approved.kubernetes.io'

/**
 * Super's definition of a kind as the tenant gets it: the one declared version, without conversion webhooks, which only super could reach, and always with
 * a status of its own, since that comes up. A text says why there can be none.
 */
export const tenantDefinition = (
  superDefinition: KubeObject,
  { kind: { version, kind }, isClass }: OfferedDefinition,
): KubeObject | string => {
  const { group, names, scope, versions } = superDefinition.spec as {
    group: string
    names: { kind: string; plural: string }
    scope: string
    versions: readonly DefinitionVersion[]
  }
  if (scope !== 'Namespaced' && !isClass) return 'its objects belong to no namespace, so they could not be told apart by tenant'
  if (isGatewayApi(group) && !isClass && !knownRules.has(`${names.plural}.${group}`))
    return 'Berth has no rules for this kind of the Gateway API, whose objects name those of others'
  if (names.kind !== kind) return `its kind is ${names.kind}, not ${kind}`
  const found = versions.find(({ name, served }) => name === version && served)
  if (!found) return `it does not serve version ${version}`
  const { schema, additionalPrinterColumns, selectableFields, subresources } = found
  const approval = superDefinition.metadata.annotations?.[approvalAnnotation]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: resourceTypes.customResourceDefinitions.kind,
    metadata: {
      name: superDefinition.metadata.name ?? '',
      labels: { [mirroredLabel]: 'true' },
      ...(approval !== undefined && { annotations: { [approvalAnnotation]: approval } }),
    },
    spec: {
      group,
      names,
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema,
          ...(additionalPrinterColumns !== undefined && { additionalPrinterColumns }),
          ...(selectableFields !== undefined && { selectableFields }),
          subresources: { ...(subresources?.scale !== undefined && { scale: subresources.scale }), status: {} },
        },
      ],
    },
  }
}
