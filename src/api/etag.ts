import type { ObjectMeta } from '../apis/kube-object.ts'

/** The entity tag of one state of an object: another object of the same name never has it. */
export const etagOf = ({ uid = '', resourceVersion = '' }: ObjectMeta): string => `"${uid}.${resourceVersion}"`

/** What an If-Match header says of an object as it is. `*` is any state; a weak tag fits nothing (RFC 9110, 13.1.1). */
export const matches = (header: string, metadata: ObjectMeta): boolean =>
  header
    .split(',')
    .map((tag) => tag.trim())
    .some((tag) => tag === '*' || tag === etagOf(metadata))
