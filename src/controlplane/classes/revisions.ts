import type { KubeObject } from '../../apis/kube-object.ts'
import type { ClassDefaults, ClassSizes, TenantClass } from '../../apis/tenant-class.ts'
import { classLabel, managedByBerth, managedByLabel } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import { hashOf } from '../apply.ts'
import { classRevisionName } from '../names.ts'

/** What a revision of a class keeps: all that a change of rolls out. Limits hold for every tenant at once, and are no part of it. */
export interface RevisionData {
  readonly defaults: ClassDefaults
  readonly sizes?: ClassSizes
}

/** A ControllerRevision (apps/v1) of a class. */
export interface ClassRevision extends KubeObject {
  data: RevisionData
  /** Grows with each change; a revision that is taken up again gets the newest number. */
  revision: number
}

export const revisionDataOf = ({ spec }: Pick<TenantClass, 'spec'>): RevisionData => ({
  defaults: spec.defaults ?? {},
  ...(spec.sizes && { sizes: spec.sizes }),
})

/** The revision of a class as it is now. One of the same content has the same name. */
export const revisionOf = (tenantClass: TenantClass, revision: number): ClassRevision => {
  const data = revisionDataOf(tenantClass)
  const className = tenantClass.metadata.name ?? ''
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: classRevisionName(className, hashOf(data)),
      namespace: systemNamespace,
      labels: { [managedByLabel]: managedByBerth, [classLabel]: className },
    },
    data,
    revision,
  }
}

/** What is to be done so that the newest of the revisions is the class as it is now. */
export type RevisionAction =
  | { readonly kind: 'none'; readonly updated: ClassRevision }
  | { readonly kind: 'create'; readonly updated: ClassRevision }
  /** It was the newest before, and is so again. */
  | { readonly kind: 'renumber'; readonly updated: ClassRevision }

export const revisionAction = (tenantClass: TenantClass, known: readonly ClassRevision[]): RevisionAction => {
  const newest = Math.max(0, ...known.map(({ revision }) => revision))
  const wanted = revisionOf(tenantClass, newest + 1)
  const same = known.find(({ metadata }) => metadata.name === wanted.metadata.name)
  if (!same) return { kind: 'create', updated: wanted }
  return same.revision === newest ? { kind: 'none', updated: same } : { kind: 'renumber', updated: wanted }
}

/** Names of the revisions beyond the history: the oldest of those that nobody is at. */
export const surplusRevisions = (
  known: readonly ClassRevision[],
  inUse: ReadonlySet<string | undefined>,
  limit: number,
): readonly string[] =>
  known
    .filter(({ metadata }) => !inUse.has(metadata.name))
    .toSorted((a, b) => b.revision - a.revision)
    .slice(limit)
    .map(({ metadata }) => metadata.name ?? '')
