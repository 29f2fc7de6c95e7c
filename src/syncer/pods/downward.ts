import {
  downwardAnnotationsAnnotation,
  downwardKeyPrefix,
  downwardLabelsAnnotation,
  downwardServiceAccountAnnotation,
  isBerthKey,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
} from '../../tenancy/marks.ts'
import { shortHash } from '../../tenancy/names.ts'
import { formatMap } from './go-quote.ts'
import type { V1DownwardAPIVolumeFile, V1ObjectFieldSelector } from './json-types.ts'
import { maySteer } from './labels.ts'
import { allContainers, type Pod } from './pod.ts'

const annotationPath = (key: string): string => `metadata.annotations['${key}']`

/** `metadata.labels['key']` and `metadata.annotations['key']`. */
const subscripted = /^metadata\.(labels|annotations)\['([^]*)'\]$/

interface Reading {
  /** What super's kubelet is to read instead. */
  readonly fieldPath: string
  /** The annotation that this needs beside those that every super object has. */
  readonly mark?: readonly [key: string, value: string]
}

/**
 * Where a super pod finds what the tenant's pod asks of the downward API. Name, labels that go down, node and addresses are the same in super; all else is
 * read from annotations, so that a change in the tenant reaches the files of a running pod.
 */
const reading = (fieldPath: string, { metadata, spec }: Pod): Reading => {
  switch (fieldPath) {
    case 'metadata.namespace':
      return { fieldPath: annotationPath(tenantNamespaceAnnotation) }
    case 'metadata.uid':
      return { fieldPath: annotationPath(tenantObjectUidAnnotation) }
    case 'metadata.labels':
      return { fieldPath: annotationPath(downwardLabelsAnnotation), mark: [downwardLabelsAnnotation, formatMap(metadata.labels)] }
    case 'metadata.annotations':
      return {
        fieldPath: annotationPath(downwardAnnotationsAnnotation),
        mark: [downwardAnnotationsAnnotation, formatMap(metadata.annotations)],
      }
    case 'spec.serviceAccountName':
      return {
        fieldPath: annotationPath(downwardServiceAccountAnnotation),
        mark: [downwardServiceAccountAnnotation, spec.serviceAccountName ?? ''],
      }
  }
  const [, map, key = ''] = subscripted.exec(fieldPath) ?? []
  if (map === undefined || (map === 'labels' && !isBerthKey(key) && !maySteer(key))) return { fieldPath }
  // The tenant's own value of a key that does not go down, or with another value; never Berth's value of that key.
  const values = map === 'labels' ? metadata.labels : metadata.annotations
  const value = values && Object.hasOwn(values, key) ? values[key] : undefined
  const markKey = `${downwardKeyPrefix}${shortHash([map, key], 24)}`
  return { fieldPath: annotationPath(markKey), mark: [markKey, value ?? ''] }
}

/** A `fieldRef` of the tenant's pod as super's kubelet has to read it. */
export const superFieldRef = (fieldRef: V1ObjectFieldSelector, pod: Pod): V1ObjectFieldSelector => ({
  ...fieldRef,
  fieldPath: reading(fieldRef.fieldPath, pod).fieldPath,
})

/** Files of a downward API volume or projection. */
export const superDownwardItems = (items: readonly V1DownwardAPIVolumeFile[], pod: Pod): V1DownwardAPIVolumeFile[] =>
  items.map((item) => (item.fieldRef ? { ...item, fieldRef: superFieldRef(item.fieldRef, pod) } : item))

const fieldPaths = ({ spec }: Pod): readonly string[] =>
  [
    ...allContainers(spec).flatMap(({ env }) => (env ?? []).map(({ valueFrom }) => valueFrom?.fieldRef?.fieldPath)),
    ...(spec.volumes ?? []).flatMap(({ downwardAPI, projected }) =>
      [downwardAPI, ...(projected?.sources ?? []).map((source) => source.downwardAPI)].flatMap((source) =>
        (source?.items ?? []).map(({ fieldRef }) => fieldRef?.fieldPath),
      ),
    ),
  ].filter((path) => path !== undefined)

/** Annotations that the pod's downward API reads in super; empty for a pod that asks for nothing of the kind. */
export const downwardMarks = (pod: Pod): Record<string, string> =>
  Object.fromEntries(
    fieldPaths(pod)
      .map((path) => reading(path, pod).mark)
      .filter((mark) => mark !== undefined),
  )
