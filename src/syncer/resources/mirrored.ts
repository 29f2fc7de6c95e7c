import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { type ClassKind, classKinds, type TenantClasses } from '../../tenancy/classes.ts'
import { isBerthKey, mirroredLabel } from '../../tenancy/marks.ts'

/** What the copies of a tenant depend on beside super's object. */
export interface MirrorView {
  readonly classes: TenantClasses
  /** True for a Node that the tenant has. */
  readonly hasNode: (name: string) => boolean
  /** Provisioners of the StorageClasses that the tenant may use. */
  readonly drivers: () => ReadonlySet<string>
  /** True when the tenant made a default PriorityClass of its own: Kubernetes takes one only. */
  readonly hasOwnDefaultPriority: () => boolean
}

/** A cluster-scoped kind that a tenant sees as a copy of super's objects. */
export interface MirroredKind {
  readonly type: ResourceType
  /** Not every cluster serves it. */
  readonly optional?: boolean
  /** All fields beside metadata that a copy may have. */
  readonly fields: readonly string[]
  /** The copy, without Berth's mark; undefined when this tenant is not to see the object. */
  readonly toTenant: (superObject: KubeObject, view: MirrorView) => KubeObject | undefined
}

/** True for a copy that the syncer made. */
export const isMirrored = ({ metadata }: KubeObject): boolean => metadata.labels?.[mirroredLabel] !== undefined

/** True for a class of super's that the tenant may use, under whatever name. */
const mayUse = (kind: ClassKind, superName: string, classes: TenantClasses): boolean => {
  const name = classes.tenantName(kind, superName)
  return name !== undefined && classes.allows(kind, name)
}

/** CSI drivers behind the StorageClasses that a tenant may use. */
export const driversOf = (superStorageClasses: readonly KubeObject[], classes: TenantClasses): ReadonlySet<string> =>
  new Set(
    superStorageClasses
      .filter(({ metadata }) => mayUse('StorageClass', metadata.name ?? '', classes))
      .map(({ provisioner }): string => provisioner),
  )

const pick = (object: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    fields.filter((field) => object[field] !== undefined && object[field] !== null).map((field) => [field, object[field]]),
  )

const ownLabels = ({ labels = {} }: KubeObject['metadata']): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => !isBerthKey(key)))

/** Fields of each kind of class that a tenant may know. */
const classFields: Readonly<Record<ClassKind, readonly string[]>> = {
  // The parameters stay away: they name Secrets and back ends of super.
  StorageClass: [
    'provisioner',
    'reclaimPolicy',
    'mountOptions',
    'allowVolumeExpansion',
    'volumeBindingMode',
    'allowedTopologies',
  ],
  IngressClass: ['spec'],
  RuntimeClass: ['handler', 'overhead', 'scheduling'],
  PriorityClass: ['value', 'globalDefault', 'description', 'preemptionPolicy'],
  // Here the parameters are what a user chooses between, and the API wants some.
  VolumeAttributesClass: ['driverName', 'parameters'],
  VolumeSnapshotClass: ['driver', 'deletionPolicy'],
  GatewayClass: ['spec'],
}

/** A class of super as the tenant sees it; undefined when it may not use it. */
const tenantClass = (kind: ClassKind, superClass: KubeObject, { classes, hasOwnDefaultPriority }: MirrorView) => {
  const { type, defaultAnnotation } = classKinds[kind]
  const { name: superName = '' } = superClass.metadata
  // Each API server makes Kubernetes' own priorities itself.
  if (!mayUse(kind, superName, classes) || (kind === 'PriorityClass' && superName.startsWith('system-'))) return undefined
  const name = classes.tenantName(kind, superName) ?? ''
  const isDefault = classes.isDefault(kind, superClass)
  const picked = pick(superClass, classFields[kind])
  return {
    apiVersion: `${type.group}/${type.version}`,
    kind,
    metadata: {
      name,
      labels: ownLabels(superClass.metadata),
      ...(defaultAnnotation !== undefined &&
        isDefault !== undefined && { annotations: { [defaultAnnotation]: String(isDefault) } }),
    },
    ...picked,
    // Their parameters would name objects of super.
    ...(kind === 'IngressClass' && { spec: pick(superClass.spec ?? {}, ['controller']) }),
    ...(kind === 'GatewayClass' && { spec: pick(superClass.spec ?? {}, ['controllerName', 'description']) }),
    ...(kind === 'PriorityClass' && { globalDefault: isDefault === true && !hasOwnDefaultPriority() }),
  }
}

const mirroredClass = (kind: ClassKind, optional = false): MirroredKind => ({
  type: classKinds[kind].type,
  optional,
  fields: classFields[kind],
  toTenant: (superClass, view) => tenantClass(kind, superClass, view),
})

/** What a CSIDriver says to users; what its tokens are for is between super's kubelets and the driver. */
const driverFields = [
  'attachRequired',
  'podInfoOnMount',
  'volumeLifecycleModes',
  'storageCapacity',
  'fsGroupPolicy',
  'requiresRepublish',
  'seLinuxMount',
  'preventPodSchedulingIfMissing',
]

const csiDrivers: MirroredKind = {
  type: resourceTypes.csiDrivers,
  fields: ['spec'],
  toTenant: ({ metadata, spec }, { drivers }) =>
    drivers().has(metadata.name ?? '')
      ? {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSIDriver',
          metadata: { name: metadata.name ?? '', labels: ownLabels(metadata) },
          spec: pick(spec ?? {}, driverFields),
        }
      : undefined,
}

/** Drivers on the nodes that the tenant sees, of those it may use: with how many volumes each node takes. */
const csiNodes: MirroredKind = {
  type: resourceTypes.csiNodes,
  fields: ['spec'],
  toTenant: ({ metadata, spec }, { hasNode, drivers }) => {
    if (!hasNode(metadata.name ?? '')) return undefined
    const known = drivers()
    return {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: metadata.name ?? '', labels: ownLabels(metadata) },
      spec: { drivers: (spec?.drivers ?? []).filter(({ name }: { name: string }) => known.has(name)) },
    }
  },
}

/** Every kind that tenants see as copies, beside Nodes and PersistentVolumes, which follow pods and claims. */
export const mirroredKinds: readonly MirroredKind[] = [
  mirroredClass('StorageClass'),
  mirroredClass('IngressClass'),
  mirroredClass('RuntimeClass'),
  mirroredClass('PriorityClass'),
  mirroredClass('VolumeAttributesClass', true),
  mirroredClass('VolumeSnapshotClass', true),
  mirroredClass('GatewayClass', true),
  csiDrivers,
  csiNodes,
]

export const mirroredByPlural: ReadonlyMap<string, MirroredKind> = new Map(mirroredKinds.map((kind) => [kind.type.plural, kind]))
