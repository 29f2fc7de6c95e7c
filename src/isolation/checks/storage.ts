import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { tenantClasses } from '../../tenancy/classes.ts'
import { tryAll } from '../attempt.ts'
import { type Bench, type Check, failed, notApplicable, passed, unknown, type Verdict } from '../check.ts'
import { compliantClaim } from '../specimens.ts'

/** What super does with volumes of a class or with a volume; Kubernetes' own default is Delete. */
const isKept = (policy: string | undefined): boolean => (policy ?? 'Delete') !== 'Delete'

/** Volumes that outlive their claim keep one tenant's data for whoever comes next. */
const reclaimDelete = async ({ admin, superSide, classRules, signal }: Bench): Promise<Verdict> => {
  const [{ items: classes }, { items: volumes }] = await Promise.all([
    admin.list(resourceTypes.storageClasses, { signal }),
    admin.list(resourceTypes.persistentVolumes, { signal }),
  ])
  if (!superSide) return unknown('where super is was not said: --super-kubeconfig')
  // A tenant may write down what it likes: what volumes really do stands in super, and which class is meant in the rules of the tenant.
  const { items: inSuper } = await superSide.client.list(resourceTypes.storageClasses, { signal })
  const byName = new Map(inSuper.map((each) => [each.metadata.name ?? '', each]))
  const rules = tenantClasses(classRules, () => ({ get: (name) => byName.get(name), list: () => inSuper }))
  const shared = classes.flatMap(({ metadata: { name = '' } }) => {
    const superName = rules.allows('StorageClass', name) ? rules.superName('StorageClass', name) : undefined
    const superClass = superName === undefined ? undefined : byName.get(superName)
    return superClass ? [{ called: superName === name ? name : `${name} (in super ${superName})`, superClass }] : []
  })
  const bound = await Promise.all(
    volumes.map(({ metadata: { name = '' } }) => superSide.client.get(resourceTypes.persistentVolumes, { name }, { signal })),
  )
  const keeps = [
    ...shared.filter(({ superClass }) => isKept(superClass['reclaimPolicy'])).map(({ called }) => `StorageClass ${called}`),
    ...bound
      .filter((volume) => volume && isKept(volume.spec?.persistentVolumeReclaimPolicy))
      .map((volume) => `PersistentVolume ${volume?.metadata.name}`),
  ]
  const evidence = [{ layer: 'super', saw: `${shared.length} StorageClasses, ${volumes.length} volumes` }] as const
  if (keeps.length > 0) return failed(`reclaim policy is not Delete: ${keeps.join(', ')}`, evidence)
  return shared.length === 0
    ? notApplicable('no StorageClass of super is offered to this tenant')
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
