import { apiVersionOf, type ResourceType } from '../apis/resource-types.ts'
import { AppError } from '../lib/errors.ts'
import type { ListOptions, ObjectRef, WatchOptions } from './client.ts'

/** One path segment, percent-encoded. Names come from tenants: what could leave its place in the path is refused, not encoded. */
const segment = (value: string | undefined, what: string): string => {
  if (!value || value === '.' || value === '..' || /[/%\\\0]/.test(value) || !value.isWellFormed()) {
    throw new AppError('KUBE_BAD_REQUEST', `${JSON.stringify(value)} cannot be a ${what} in an API path`, { what, value })
  }
  return encodeURIComponent(value)
}

/** Path of a collection: of one namespace, or of all when none is given. */
export const collectionPath = (type: ResourceType, namespace?: string): string => {
  const root = type.group ? `/apis/${apiVersionOf(type)}` : `/api/${type.version}`
  return type.namespaced && namespace !== undefined
    ? `${root}/namespaces/${segment(namespace, 'namespace')}/${type.plural}`
    : `${root}/${type.plural}`
}

/** Path of one object or of a subresource of it. Throws KUBE_BAD_REQUEST for a name that is no path segment or a missing namespace. */
export const objectPath = (type: ResourceType, { name, namespace }: ObjectRef, subresource?: string): string => {
  if (type.namespaced && !namespace) {
    throw new AppError('KUBE_BAD_REQUEST', `a ${type.kind} needs a namespace`, { kind: type.kind, name })
  }
  const path = `${collectionPath(type, namespace)}/${segment(name, `name of a ${type.kind}`)}`
  return subresource ? `${path}/${segment(subresource, 'subresource')}` : path
}

const withQuery = (path: string, query: Record<string, string | number | undefined>): string => {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== '') search.set(key, `${value}`)
  return search.size === 0 ? path : `${path}?${search.toString()}`
}

const dryRunQuery = (dryRun: boolean | undefined) => ({ dryRun: dryRun ? 'All' : undefined })

export const listPath = (type: ResourceType, options: ListOptions): string =>
  withQuery(collectionPath(type, options.namespace), {
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    limit: options.limit,
    continue: options.continueToken,
    resourceVersion: options.resourceVersion,
  })

/** A watch with bookmarks. `timeoutSeconds`: after that the server ends the stream in good order. */
export const watchPath = (type: ResourceType, options: Omit<WatchOptions, 'signal'>, timeoutSeconds: number): string =>
  withQuery(collectionPath(type, options.namespace), {
    watch: '1',
    allowWatchBookmarks: 'true',
    timeoutSeconds,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
  })

export const patchPath = (
  path: string,
  { fieldManager, force, dryRun }: { fieldManager?: string; force?: boolean; dryRun?: boolean },
): string => withQuery(path, { fieldManager, force: force === undefined ? undefined : `${force}`, ...dryRunQuery(dryRun) })

/** Path of a POST. */
export const createPath = (path: string, { dryRun, strict }: { dryRun?: boolean; strict?: boolean }): string =>
  withQuery(path, { ...dryRunQuery(dryRun), fieldValidation: strict ? 'Strict' : undefined })
