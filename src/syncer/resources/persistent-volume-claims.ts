import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { ClassKind } from '../../tenancy/classes.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import type { V1PersistentVolumeClaimSpec, V1PersistentVolumeClaimStatus } from '../pods/json-types.ts'
import { defineResource, type SyncContext, type TenantWrite, type Translation } from '../resource.ts'
import { definitionName } from './custom-kinds.ts'
import { isNamed } from './ingress-annotations.ts'
import { mergePatch } from './merge-patch.ts'
import { mapMessages, tenantText } from './tenant-text.ts'
import { snapshotDefinition } from './volume-snapshots.ts'

interface Claim extends KubeObject {
  spec: V1PersistentVolumeClaimSpec
  status?: V1PersistentVolumeClaimStatus
}

/** Annotations by which binder, scheduler and provisioners talk: each cluster has its own talk, whatever the operator lets through beside it. */
const bindingPrefixes = ['pv.kubernetes.io/', 'volume.kubernetes.io/', 'volume.beta.kubernetes.io/']
const boundAnnotations = { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' }
const legacyClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** Every field of a PersistentVolumeClaimSpec in the Kubernetes versions served. */
export const claimFields: FieldTable = {
  accessModes: 'pass',
  dataSource: 'translate',
  dataSourceRef: 'translate',
  resources: 'pass',
  selector: { refuse: 'volumes are made for claims here, so there are none to select from; leave it out' },
  storageClassName: 'translate',
  volumeAttributesClassName: 'translate',
  volumeMode: 'pass',
  volumeName: 'translate',
}

/** Provisioners of super choose by annotations which data a volume starts with and where it lies: super gets those that the operator names. */
const superAnnotations = (
  annotations: Readonly<Record<string, string>> = {},
  { policy: { claimAnnotations } }: SyncContext,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(annotations).filter(
      ([key]) => isNamed(key, claimAnnotations) && !bindingPrefixes.some((prefix) => key.startsWith(prefix)),
    ),
  )

type DataSource = { apiGroup?: string; kind: string } | undefined

const isSnapshot = (source: DataSource, { customKinds }: SyncContext): boolean =>
  source?.kind === 'VolumeSnapshot' &&
  source.apiGroup === 'snapshot.storage.k8s.io' &&
  customKinds.some((declared) => definitionName(declared) === snapshotDefinition)

const isClaim = (source: DataSource): boolean =>
  source === undefined || (source.kind === 'PersistentVolumeClaim' && !source.apiGroup)

const refused = (reason: string, message: string): Translation => ({ kind: 'refused', reason, message })

/** The class of a claim, also where an old manifest says it in an annotation. One that names none gets the tenant's default, never super's. */
const classOf = ({ metadata, spec }: Claim, { classes }: SyncContext): string | undefined =>
  spec.storageClassName ?? metadata.annotations?.[legacyClassAnnotation] ?? classes.defaultOf('StorageClass')

const classRefusal = (claim: Claim, ctx: SyncContext): Translation | undefined => {
  const name = classOf(claim, ctx)
  if (name === '') {
    return refused(
      'StorageClassNeeded',
      'spec.storageClassName: without a class only a volume made beforehand would do, and there are none here',
    )
  }
  if (name === undefined) return refused('StorageClassNeeded', 'spec.storageClassName: no class is the default here; name one')
  return ctx.classes.allows('StorageClass', name)
    ? undefined
    : refused('StorageClassNotAllowed', `spec.storageClassName: class ${name} is not offered here`)
}

/** An attributes class that the tenant may not use. It can be set later as well: a claim with data in it must not become a refused one. */
const withheldAttributes = ({ spec }: Claim, { classes }: SyncContext): string | undefined =>
  spec.volumeAttributesClassName && !classes.allows('VolumeAttributesClass', spec.volumeAttributesClassName)
    ? spec.volumeAttributesClassName
    : undefined

/** A claim that the syncer bound has the annotation from the same write that gave it its volume, and soon its phase: nothing else in a tenant binds. */
const isBoundHere = ({ metadata, status }: Claim): boolean =>
  metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined || !['Pending', undefined].includes(status?.phase)

const refusal = (claim: Claim, ctx: SyncContext): Translation | undefined => {
  const { spec } = claim
  const field = refusedField(spec, claimFields)
  if (field) return refused('FieldNotSupported', `spec.${field.field}: ${field.why}`)
  const withheld = withheldAttributes(claim, ctx)
  if (withheld !== undefined && !spec.volumeName) {
    return refused('VolumeAttributesClassNotAllowed', `spec.volumeAttributesClassName: class ${withheld} is not offered here`)
  }
  const noClass = classRefusal(claim, ctx)
  if (noClass) return noClass
  if (spec.volumeName && !isBoundHere(claim)) {
    return refused('VolumeNameNotSupported', 'spec.volumeName: volumes are made for claims here; leave it out')
  }
  const sources = [spec.dataSource, spec.dataSourceRef]
  if (!sources.every((source) => isClaim(source) || isSnapshot(source, ctx)) || spec.dataSourceRef?.namespace) {
    return refused(
      'DataSourceNotSupported',
      'spec.dataSource: only another claim of the same namespace, or a snapshot where snapshots are offered, can be the source',
    )
  }
  return undefined
}

const superSpec = (claim: Claim, ctx: SyncContext): Record<string, unknown> => {
  const { dataSource, dataSourceRef, volumeAttributesClassName } = claim.spec
  const attributes = withheldAttributes(claim, ctx) === undefined ? volumeAttributesClassName : undefined
  const superClass = (kind: ClassKind, name: string | undefined) => name && ctx.classes.superName(kind, name)
  return {
    ...passingFields(claim.spec, claimFields),
    storageClassName: superClass('StorageClass', classOf(claim, ctx)),
    ...(attributes && { volumeAttributesClassName: superClass('VolumeAttributesClass', attributes) }),
    ...(dataSource && { dataSource }),
    ...(dataSourceRef && { dataSourceRef }),
  }
}

/** Only the requested size and the attributes class of a claim can change. */
const update = (live: Claim, { spec }: Claim): { readonly kind: 'replace'; readonly object: Claim } => ({
  kind: 'replace',
  object: {
    ...live,
    spec: {
      ...live.spec,
      ...(spec.resources && { resources: spec.resources }),
      ...(spec.volumeAttributesClassName && { volumeAttributesClassName: spec.volumeAttributesClassName }),
    },
  },
})

/** Status fields that go up; others are of no use without super's volume objects. */
const statusFields = [
  'accessModes',
  'allocatedResourceStatuses',
  'allocatedResources',
  'capacity',
  'conditions',
  'currentVolumeAttributesClassName',
  'modifyVolumeStatus',
  'phase',
] as const

const pick = (status: V1PersistentVolumeClaimStatus): Record<string, unknown> =>
  Object.fromEntries(statusFields.filter((field) => status[field] !== undefined).map((field) => [field, status[field]]))

/** A status with classes by the names that the tenant knows them by. */
const inTenantsNames = (status: Record<string, unknown>, { classes }: Pick<SyncContext, 'classes'>): Record<string, unknown> => {
  const { currentVolumeAttributesClassName: current, modifyVolumeStatus: change } = status as V1PersistentVolumeClaimStatus
  const named = (name: string) => classes.tenantName('VolumeAttributesClass', name)
  return {
    ...status,
    ...(current && { currentVolumeAttributesClassName: named(current) }),
    ...(change?.targetVolumeAttributesClassName && {
      modifyVolumeStatus: { ...change, targetVolumeAttributesClassName: named(change.targetVolumeAttributesClassName) },
    }),
  }
}

const toTenant = (superClaim: Claim, tenantClaim: Claim, ctx: SyncContext): readonly TenantWrite[] => {
  const { volumeName, storageClassName } = superClaim.spec
  const { namespace = '', uid = '' } = tenantClaim.metadata
  const binding = Boolean(volumeName) && !tenantClaim.spec.volumeName
  const bind: readonly TenantWrite[] = binding
    ? [
        {
          kind: 'patch',
          body: {
            metadata: { annotations: boundAnnotations },
            spec: {
              volumeName,
              ...(tenantClaim.spec.storageClassName === undefined &&
                storageClassName && { storageClassName: ctx.classes.tenantName('StorageClass', storageClassName) }),
            },
          },
        },
      ]
    : []
  // The volume that the tenant knows is not the one in super any more: its data is gone, and the claim says so as any cluster's would.
  const lost = !binding && tenantClaim.spec.volumeName !== undefined && tenantClaim.spec.volumeName !== (volumeName ?? '')
  const text = tenantText({
    namespace,
    superNamespaceName: superClaim.metadata.namespace ?? '',
    uids: [[superClaim.metadata.uid ?? '', uid]],
  })
  const withheld = withheldAttributes(tenantClaim, ctx)
  const wanted = {
    ...mapMessages(inTenantsNames(pick(superClaim.status ?? {}), ctx), text),
    // As with a class that does not exist (KEP-3751).
    ...(withheld !== undefined && { modifyVolumeStatus: { status: 'Pending', targetVolumeAttributesClassName: withheld } }),
    ...(lost && { phase: 'Lost' }),
  }
  const status = mergePatch(pick(tenantClaim.status ?? {}), { phase: 'Pending', ...wanted }) as
    | Record<string, unknown>
    | undefined
  return status ? [...bind, { kind: 'status', status }] : bind
}

/** Finalizer of a claim that pods use (kubernetes pkg/controller/volume/pvcprotection). */
const protection = 'kubernetes.io/pvc-protection'

/** Claims: super provisions and binds; size, phase and the volume's name come up. */
export const persistentVolumeClaims = defineResource<Claim>({
  type: resourceTypes.persistentVolumeClaims,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  // Only while pods use it: then super's scheduler has to know that no other may. What the tenant's own controllers still do with it comes first.
  isLeaving: ({ metadata }) => (metadata.finalizers ?? []).every((finalizer) => finalizer === protection),
  toSuper: (claim, ctx) =>
    refusal(claim, ctx) ?? {
      kind: 'object',
      // Labels and annotations of claims steer provisioners and operators of super.
      body: {
        labels: {},
        annotations: superAnnotations(claim.metadata.annotations, ctx),
        fields: { spec: superSpec(claim, ctx) },
      },
    },
  update,
  toTenant,
})
