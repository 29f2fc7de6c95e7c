import { parse, parseAllDocuments } from 'yaml'
import type { KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, resourceTypes } from '../apis/resource-types.ts'
import { AppError } from '../lib/errors.ts'
import { classMovedAtAnnotation, classRevisionAnnotation, resumeSyncAnnotation } from '../tenancy/marks.ts'

const type = resourceTypes.tenantControlPlanes

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

const wrong = (message: string, cause?: unknown): AppError =>
  new AppError('CONFIG_INVALID', message, cause === undefined ? {} : { cause })

/** What is said of a new tenant. */
export interface DraftInput {
  readonly name: string
  /** That of the flag. */
  readonly namespace?: string | undefined
  /** Where nobody says one. */
  readonly defaultNamespace: string
  /** YAML or JSON with one TenantControlPlane. */
  readonly text?: string | undefined
  readonly className?: string | undefined
  readonly version?: string | undefined
  readonly size?: string | undefined
  readonly state?: string | undefined
  /** `path=value`; later ones go over earlier ones. */
  readonly set?: readonly string[] | undefined
}

const documentOf = (text: string): Fields => {
  const documents = parseAllDocuments(text)
  const [first, ...more] = documents
  const broken = documents.flatMap(({ errors }) => errors)[0]
  if (broken) throw wrong(`the file is no YAML: ${broken.message.split('\n', 1)[0]}`)
  const value: unknown = first?.toJS()
  if (more.length > 0) throw wrong('the file has more than one document: name one with one TenantControlPlane')
  if (!isFields(value) || value['kind'] !== type.kind || value['apiVersion'] !== apiVersionOf(type))
    throw wrong(`the file is no ${type.kind} of ${apiVersionOf(type)}`)
  return value
}

/** Written by the API server, by kubectl and by Berth about the one object they stand on. */
const ofOneObject: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  classRevisionAnnotation,
  classMovedAtAnnotation,
  resumeSyncAnnotation,
])

const passing = (annotations: unknown): Fields | undefined =>
  isFields(annotations) ? Object.fromEntries(Object.entries(annotations).filter(([key]) => !ofOneObject.has(key))) : undefined

/** `a.b\.c` as `a`, `b.c`. */
const pathOf = (text: string): readonly string[] => text.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'))

const valueOf = (text: string): unknown => {
  try {
    return parse(text) ?? null
  } catch {
    // A colon or a bracket in a plain word.
    return text
  }
}

const laid = (base: unknown, [field = '', ...rest]: readonly string[], value: unknown): Fields => {
  const fields = isFields(base) ? base : {}
  // A computed key is the object's own, whatever its name.
  return { ...fields, [field]: rest.length === 0 ? value : laid(fields[field], rest, value) }
}

const withSetting = (spec: Fields, setting: string): Fields => {
  const at = setting.indexOf('=')
  const path = pathOf(setting.slice(0, Math.max(at, 0)))
  if (at <= 0 || path.includes('')) throw wrong(`--set ${setting}: path=value is needed, for example size=large`)
  // Both ways of saying it are common.
  const [first, ...rest] = path
  return laid(spec, first === 'spec' && rest.length > 0 ? rest : path, valueOf(setting.slice(at + 1)))
}

/** The object to create: the file's spec, labels and annotations, with what the flags say on top. Throws CONFIG_INVALID. */
export const tenantDraft = (input: DraftInput): KubeObject => {
  const file = input.text === undefined ? {} : documentOf(input.text)
  const metadata = isFields(file['metadata']) ? file['metadata'] : {}
  const ofFile = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : undefined
  if (ofFile !== undefined && input.namespace !== undefined && ofFile !== input.namespace)
    throw wrong(`the file says namespace ${ofFile}, and --namespace says ${input.namespace}`)
  const flags = { className: input.className, version: input.version, size: input.size, state: input.state }
  const spec = {
    ...(isFields(file['spec']) && file['spec']),
    ...Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)),
  }
  const annotations = passing(metadata['annotations'])
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {
      name: input.name,
      namespace: input.namespace ?? ofFile ?? input.defaultNamespace,
      ...(isFields(metadata['labels']) && { labels: metadata['labels'] as Record<string, string> }),
      ...(annotations && { annotations: annotations as Record<string, string> }),
    },
    spec: (input.set ?? []).reduce<Fields>(withSetting, spec),
  }
}
