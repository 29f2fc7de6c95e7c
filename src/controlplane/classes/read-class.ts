import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantClass } from '../../apis/tenant-class.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { classLabel, classRevisionAnnotation } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import type { Deps } from '../deps.ts'
import { type Applied, applyClass, type ReadClass } from './apply-class.ts'
import type { ClassRevision } from './revisions.ts'

const readClass = async (
  { metadata, spec }: TenantControlPlane,
  { kube, signal }: Pick<Deps, 'kube' | 'signal'>,
): Promise<ReadClass> => {
  const { className } = spec ?? {}
  if (className === undefined) return { tenantClass: undefined, revision: undefined }
  const name = metadata.annotations?.[classRevisionAnnotation]
  const [tenantClass, revision] = await Promise.all([
    kube.get<TenantClass>(resourceTypes.tenantClasses, { name: className }, { signal }),
    name === undefined
      ? undefined
      : kube.get<ClassRevision>(resourceTypes.controllerRevisions, { name, namespace: systemNamespace }, { signal }),
  ])
  // Whoever may write the annotation may name any object of this kind: only those of the class itself count.
  const isOwn = revision?.metadata.labels?.[classLabel] === className
  return { tenantClass, revision: isOwn ? revision : undefined }
}

/** The tenant with the spec that is in force, of its class as it is now. */
export const readApplied = async (stored: TenantControlPlane, deps: Pick<Deps, 'kube' | 'signal'>): Promise<Applied> =>
  applyClass(stored, await readClass(stored, deps))
