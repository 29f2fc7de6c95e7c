import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import { displayNameAnnotation, quotaAnnotation } from '../tenancy/marks.ts'

export { isOrganization } from '../tenancy/organizations.ts'

/** What an organisation may have. */
export const quotaSchema = z
  .strictObject({ tenants: z.int().min(0).max(100_000).optional().describe('Tenants at most; unset: as many as it likes') })
  .meta({ id: 'Quota' })

export type Quota = z.output<typeof quotaSchema>

export interface Organization {
  readonly name: string
  readonly displayName?: string
  readonly quota: Quota
  readonly createdAt: string
  readonly deleting: boolean
}

/** The quota of an organisation. One that cannot be read allows nothing more: an operator's slip of the pen must not open the door. */
export const quotaOf = ({ metadata }: KubeObject): Quota => {
  const text = metadata.annotations?.[quotaAnnotation]
  if (text === undefined) return {}
  try {
    return quotaSchema.parse(JSON.parse(text))
  } catch {
    return { tenants: 0 }
  }
}

export const organizationOf = (namespace: KubeObject): Organization => {
  const { name = '', annotations, creationTimestamp = '', deletionTimestamp } = namespace.metadata
  const displayName = annotations?.[displayNameAnnotation]
  return {
    name,
    ...(displayName !== undefined && { displayName }),
    quota: quotaOf(namespace),
    createdAt: creationTimestamp,
    deleting: deletionTimestamp !== undefined,
  }
}
