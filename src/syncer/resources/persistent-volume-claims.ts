import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import type { V1PersistentVolumeClaimSpec, V1PersistentVolumeClaimStatus } from '../pods/json-types.ts'
import { defineResource, type TenantWrite, type Translation } from '../resource.ts'
import { mergePatch } from './merge-patch.ts'
import { mapMessages, tenantText } from './tenant-text.ts'

interface Claim extends KubeObject {
  spec: V1PersistentVolumeClaimSpec
  status?: V1PersistentVolumeClaimStatus
}

/** Annotations by which binder, scheduler and provisioners talk: each cluster has its own talk. */
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
  // Can be set later as well: a claim with data in it must not become a refused one.
  volumeAttributesClassName: 'drop',
  volumeMode: 'pass',
  volumeName: 'translate',
}

const superAnnotations = (annotations: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => !bindingPrefixes.some((prefix) => key.startsWith(prefix))))

const isClaim = (source: { apiGroup?: string; kind: string } | undefined): boolean =>
  source === undefined || (source.kind === 'PersistentVolumeClaim' && !source.apiGroup)

const refused = (reason: string, message: string): Translation => ({ kind: 'refused', reason, message })

/** The class of a claim, also where an old manifest says it in an annotation. */
const classOf = ({ metadata, spec }: Claim): string | undefined =>
  spec.storageClassName ?? metadata.annotations?.[legacyClassAnnotation]

/** A claim that the syncer bound has the annotation from the same write that gave it its volume, and soon its phase: nothing else in a tenant binds. */
const isBoundHere = ({ metadata, status }: Claim): boolean =>
  metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined || !['Pending', undefined].includes(status?.phase)

const refusal = (claim: Claim): Translation | undefined => {
  const { spec } = claim
  const field = refusedField(spec, claimFields)
  if (field) return refused('FieldNotSupported', `spec.${field.field}: ${field.why}`)
  if (spec.volumeAttributesClassName && !spec.volumeName) {
    return refused('FieldNotSupported', 'spec.volumeAttributesClassName: volume attributes classes are not offered here')
  }
  if (classOf(claim) === '') {
    return refused(
      'StorageClassNeeded',
      'spec.storageClassName: without a class only a volume made beforehand would do, and there are none here',
    )
  }
  if (spec.volumeName && !isBoundHere(claim)) {
    return refused('VolumeNameNotSupported', 'spec.volumeName: volumes are made for claims here; leave it out')
  }
  const sources = [spec.dataSource, spec.dataSourceRef]
  if (!sources.every(isClaim) || spec.dataSourceRef?.namespace) {
    return refused('DataSourceNotSupported', 'spec.dataSource: only another claim of the same namespace can be the source')
  }
  return undefined
}

const superSpec = (claim: Claim): Record<string, unknown> => {
  const { dataSource, dataSourceRef } = claim.spec
  const storageClassName = classOf(claim)
  return {
    ...passingFields(claim.spec, claimFields),
    ...(storageClassName !== undefined && { storageClassName }),
    ...(dataSource && { dataSource }),
    ...(dataSourceRef && { dataSourceRef }),
  }
}

/** Only the requested size of a claim can change. */
const update = (live: Claim, wanted: Claim): { readonly kind: 'replace'; readonly object: Claim } => ({
  kind: 'replace',
  object: { ...live, spec: { ...live.spec, ...(wanted.spec.resources && { resources: wanted.spec.resources }) } },
})

/** Status fields that go up; others are of no use without super's volume objects. */
const statusFields = [
  'accessModes',
  'allocatedResourceStatuses',
  'allocatedResources',
  'capacity',
  'conditions',
  'phase',
] as const

const pick = (status: V1PersistentVolumeClaimStatus): Record<string, unknown> =>
  Object.fromEntries(statusFields.filter((field) => status[field] !== undefined).map((field) => [field, status[field]]))

const toTenant = (superClaim: Claim, tenantClaim: Claim): readonly TenantWrite[] => {
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
              ...(tenantClaim.spec.storageClassName === undefined && storageClassName && { storageClassName }),
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
  const wanted = { ...mapMessages(pick(superClaim.status ?? {}), text), ...(lost && { phase: 'Lost' }) }
  const status = mergePatch(pick(tenantClaim.status ?? {}), { phase: 'Pending', ...wanted }) as
    | Record<string, unknown>
    | undefined
  return status ? [...bind, { kind: 'status', status }] : bind
}

/** Claims: super provisions and binds; size, phase and the volume's name come up. */
export const persistentVolumeClaims = defineResource<Claim>({
  type: resourceTypes.persistentVolumeClaims,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  toSuper: (claim) =>
    refusal(claim) ?? {
      kind: 'object',
      body: { annotations: superAnnotations(claim.metadata.annotations), fields: { spec: superSpec(claim) } },
    },
  update,
  toTenant,
})
