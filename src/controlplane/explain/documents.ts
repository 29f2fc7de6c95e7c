import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { apiVersionOf, resourceTypes } from '../../apis/resource-types.ts'
import { AppError, explainError } from '../../lib/errors.ts'

const type = resourceTypes.tenantControlPlanes

const document = z.looseObject({
  apiVersion: z.literal(apiVersionOf(type)),
  kind: z.literal(type.kind),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().min(1).optional() }),
  spec: z.record(z.string(), z.unknown()).nullish(),
})

/** A TenantControlPlane as somebody wrote it. */
export interface Written {
  readonly name: string
  readonly namespace: string
  readonly spec: Readonly<Record<string, unknown>>
}

const invalid = (message: string) => new AppError('CONFIG_INVALID', message, {})

/** Also what names itself over and over, to grow without end, is refused. */
const valueOf = (given: { toJS(): unknown }, index: number): unknown => {
  try {
    return given.toJS()
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `document ${index + 1} is no YAML: ${explainError(cause)}`, { cause })
  }
}

/** The TenantControlPlanes of a YAML or JSON text. Throws CONFIG_INVALID for one that has something else in it, or none. */
export const writtenIn = (
  text: string,
  {
    namespace,
    isForced,
  }: { readonly namespace: string /** Asked for by name: no document may say another. */; readonly isForced: boolean },
): readonly Written[] => {
  const documents = parseAllDocuments(text)
  const written = (Array.isArray(documents) ? documents : []).flatMap((each, index): Written[] => {
    const [error] = each.errors
    if (error) throw invalid(`document ${index + 1} is no YAML: ${error.message}`)
    const value = valueOf(each, index)
    if (value === null || value === undefined) return []
    const parsed = document.safeParse(value)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw invalid(
        `document ${index + 1} is no TenantControlPlane of ${apiVersionOf(type)}: ${issue?.path.join('.')}: ${issue?.message}`,
      )
    }
    const { metadata, spec } = parsed.data
    if (isForced && metadata.namespace !== undefined && metadata.namespace !== namespace)
      throw invalid(`document ${index + 1} is of namespace ${metadata.namespace}, and -n says ${namespace}`)
    return [{ name: metadata.name, namespace: metadata.namespace ?? namespace, spec: spec ?? {} }]
  })
  if (written.length === 0) throw invalid('there is no TenantControlPlane in the file')
  return written
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The merge patch with which `kubectl apply` brings `wanted` about: what was applied before and is in it no longer goes, what others set stays
 * (k8s.io/apimachinery/pkg/util/jsonmergepatch).
 */
export const applyPatch = (wanted: Readonly<Record<string, unknown>>, lastApplied: unknown): Record<string, unknown> => {
  const last = isFields(lastApplied) ? lastApplied : {}
  const gone = Object.keys(last).filter((key) => wanted[key] === undefined)
  return {
    ...Object.fromEntries(gone.map((key) => [key, null])),
    ...Object.fromEntries(
      Object.entries(wanted).map(([key, value]) => [key, isFields(value) ? applyPatch(value, last[key]) : value]),
    ),
  }
}

/** The spec that `kubectl apply` noted last; undefined when it noted none that can be read. */
export const lastAppliedSpec = (annotations: Readonly<Record<string, string>> | undefined): unknown => {
  try {
    const noted: unknown = JSON.parse(annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? 'null')
    return isFields(noted) ? noted['spec'] : undefined
  } catch {
    return undefined
  }
}
