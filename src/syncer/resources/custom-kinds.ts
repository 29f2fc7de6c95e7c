import type { KubeObject } from '../../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { CustomKind } from '../../apis/tenant-control-plane.ts'
import { mirroredLabel } from '../../tenancy/marks.ts'
import type { SyncContext, SyncedResource, TenantWrite } from '../resource.ts'
import { wantedHashOf, wantedObject } from '../super-object.ts'
import { mergePatch } from './merge-patch.ts'
import { mapMessages, tenantText } from './tenant-text.ts'
import { snapshotDefinition, snapshotFields, snapshotRefusal, snapshotStatusFields } from './volume-snapshots.ts'

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
  {
    tenantObject,
    statusFields,
    isCurrent,
  }: { tenantObject: KubeObject; statusFields: readonly string[] | undefined; isCurrent: boolean },
): readonly TenantWrite[] => {
  const { namespace = '', uid = '' } = tenantObject.metadata
  const text = tenantText({
    namespace,
    superNamespaceName: superObject.metadata.namespace ?? '',
    uids: [[superObject.metadata.uid ?? '', uid]],
  })
  const wanted = mapGenerations(
    mapMessages(pick(superObject.status ?? {}, statusFields), text),
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

/**
 * A kind by declaration: all but metadata and status goes down as it is, the status comes up. Names in the spec are taken as of the same namespace, where
 * objects keep their names. Of the annotations only those of the kind's own group go down: others steer controllers that nobody declared.
 */
export const customResource = (declared: CustomKind): SyncedResource => {
  const { group } = declared
  // The one kind by declaration of which Berth knows what it means.
  const isSnapshot = definitionName(declared) === snapshotDefinition
  const statusFields = declared.statusFields ?? (isSnapshot ? snapshotStatusFields : undefined)
  const resource: SyncedResource = {
    type: customType(declared),
    superWatch: 'labelled',
    goneInSuper: 'recreate',
    toSuper: (object, ctx) =>
      (isSnapshot ? snapshotRefusal(object, ctx) : undefined) ?? {
        kind: 'object',
        body: {
          annotations: Object.fromEntries(
            Object.entries(object.metadata.annotations ?? {}).filter(([key]) => inGroup(key, group)),
          ),
          fields: {
            ...Object.fromEntries(Object.entries(object).filter(([field]) => !ownFields.has(field))),
            ...(isSnapshot && snapshotFields(object, ctx)),
          },
        },
      },
    toTenant: (superObject, tenantObject, ctx: SyncContext) => {
      const wanted = wantedObject(resource, tenantObject, ctx)
      const isCurrent = wanted.kind === 'object' && wantedHashOf(wanted.object) === wantedHashOf(superObject)
      return statusToTenant(superObject, { tenantObject, statusFields, isCurrent })
    },
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

const snapshotClass: CustomKind = (({ group, version, plural, kind }) => ({ group, version, plural, kind }))(
  resourceTypes.volumeSnapshotClasses,
)

/** All definitions that the declared kinds bring: their own, and with snapshots that of the snapshots' classes. */
export const offeredDefinitions = (customKinds: readonly CustomKind[]): readonly OfferedDefinition[] => [
  ...customKinds.map((kind) => ({ kind, isClass: false })),
  ...(customKinds.some((kind) => definitionName(kind) === snapshotDefinition) ? [{ kind: snapshotClass, isClass: true }] : []),
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
    names: { kind: string }
    scope: string
    versions: readonly DefinitionVersion[]
  }
  if (scope !== 'Namespaced' && !isClass) return 'its objects belong to no namespace, so they could not be told apart by tenant'
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
