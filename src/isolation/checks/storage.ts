import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { tryAll } from '../attempt.ts'
import { type Bench, type Check, failed, notApplicable, passed, unknown, type Verdict } from '../check.ts'
import { compliantClaim } from '../specimens.ts'

/** Volumes that outlive their claim keep one tenant's data for whoever comes next. */
const reclaimDelete = async ({ admin, superSide, signal }: Bench): Promise<Verdict> => {
  const [{ items: classes }, { items: volumes }] = await Promise.all([
    admin.list(resourceTypes.storageClasses, { signal }),
    admin.list(resourceTypes.persistentVolumes, { signal }),
  ])
  if (!superSide) return unknown('where super is was not said: --super-kubeconfig')
  // A tenant may write down what it likes: what volumes really do stands in super.
  const offered = new Set(classes.map(({ metadata }) => metadata.name))
  const { items: inSuper } = await superSide.client.list(resourceTypes.storageClasses, { signal })
  const shared = inSuper.filter(({ metadata }) => offered.has(metadata.name))
  const bound = await Promise.all(
    volumes.map(({ metadata: { name = '' } }) => superSide.client.get(resourceTypes.persistentVolumes, { name }, { signal })),
  )
  const keeps = [
    ...shared
      .filter(({ reclaimPolicy = 'Delete' }) => reclaimPolicy !== 'Delete')
      .map(({ metadata }) => `StorageClass ${metadata.name}`),
    ...bound
      .filter((volume) => volume && volume.spec?.persistentVolumeReclaimPolicy !== 'Delete')
      .map((volume) => `PersistentVolume ${volume?.metadata.name}`),
  ]
  if (shared.length === 0) return notApplicable('no StorageClass of super is offered to this tenant')
  const evidence = [{ layer: 'super', saw: `${shared.length} StorageClasses, ${volumes.length} volumes` }] as const
  return keeps.length > 0
    ? failed(`reclaim policy is not Delete: ${keeps.join(', ')}`, evidence)
    : passed(`all of ${shared.length} StorageClasses and ${volumes.length} volumes are deleted with their claims`, evidence)
}

const isDefault = ({ metadata }: KubeObject): boolean =>
  metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true'

/** A volume of super that is not this tenant's, or a name that could be one. */
const foreignVolume = async ({ superSide, admin, signal }: Bench): Promise<string> => {
  if (!superSide) return 'pvc-of-another'
  const [{ items }, { items: own }] = await Promise.all([
    superSide.client.list(resourceTypes.persistentVolumes, { signal }),
    admin.list(resourceTypes.persistentVolumes, { signal }),
  ])
  const mine = new Set(own.map(({ metadata }) => metadata.name))
  return items.find(({ metadata }) => !mine.has(metadata.name))?.metadata.name ?? 'pvc-of-another'
}

const blockExisting = async (bench: Bench): Promise<Verdict> => {
  const { items: offered } = await bench.admin.list(resourceTypes.storageClasses, { signal: bench.signal })
  const storageClassName = (offered.find(isDefault) ?? offered[0])?.metadata.name
  if (storageClassName === undefined)
    return notApplicable('no StorageClass is offered to this tenant: claims do not go down at all')
  const volumeName = await foreignVolume(bench)
  return tryAll(
    {
      type: resourceTypes.persistentVolumeClaims,
      name: 'foreign-volume',
      what: `a claim on volume ${volumeName}, which is not the tenant's,`,
      compliant: compliantClaim('foreign-volume', bench.namespace, storageClassName),
      spoil: (claim) => ({ ...claim, spec: { ...claim.spec, volumeName } }),
      isIn: ({ spec }) => spec?.volumeName === volumeName,
    },
    bench,
  )
}

/** What keeps the data of one tenant from another. */
export const storageChecks: readonly Check[] = [
  {
    id: 'MTB-PENDING-1199',
    title: 'Require reclaim policy Delete',
    category: 'Data Isolation',
    origin: 'pending',
    run: reclaimDelete,
  },
  {
    id: 'MTB-PENDING-1200',
    title: 'Block use of existing PersistentVolumes',
    category: 'Data Isolation',
    origin: 'pending',
    run: blockExisting,
  },
]
