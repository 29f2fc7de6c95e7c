import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient, ListOptions } from '../../kube/client.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import { controlPlaneLabel, tenantLabel } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import type { Side } from './holder.ts'

/** Names of how many objects a refusal is made of, at most. */
const named = 10

/** A kind that was defined a moment ago answers "storage is (re)initializing" (429) for some seconds: for so long it is asked again. */
const initialMs = 30_000
const askAgainMs = 500

/** Of a kind that may not be defined here: then there are none. */
const existing = async (client: KubeClient, type: ResourceType, options: ListOptions): Promise<readonly KubeObject[]> => {
  const end = performance.now() + initialMs
  for (;;) {
    try {
      return (await client.list(type, { ...options, metadataOnly: true })).items
    } catch (error) {
      if (hasCode(error, 'KUBE_NOT_FOUND')) return []
      if (!hasCode(error, 'KUBE_TOO_MANY_REQUESTS') || performance.now() > end) throw error
    }
    await sleep(askAgainMs, undefined, { ...(options.signal && { signal: options.signal }) })
  }
}

const namesOf = (objects: readonly KubeObject[]): string => {
  const names = objects.slice(0, named).map(objectKey).join(', ')
  return objects.length > named ? `${names} and ${objects.length - named} more` : names
}

interface Use {
  readonly type: ResourceType
  readonly options?: ListOptions
  /** What is said with the names. */
  readonly words: (names: string) => string
}

const tenants: Use = {
  type: resourceTypes.tenantControlPlanes,
  words: (names) =>
    `there are tenants: ${names}. Delete them first and wait until they are gone: only a manager that runs can remove them`,
}
const volumes: Use = {
  type: resourceTypes.persistentVolumeClaims,
  options: { namespace: systemNamespace },
  words: (names) =>
    `there are volumes, perhaps with snapshots of tenants: ${names}. Delete the claims first, if nobody needs what is in them`,
}
const remains = (label: string, whose: string): Use => ({
  type: resourceTypes.namespaces,
  options: { labelSelector: label },
  words: (names) =>
    `there are namespaces of ${whose}: ${names}. Delete the tenants they are of, or, if those are gone, the namespaces`,
})
const planes = remains(controlPlaneLabel, 'control planes')
const carried = remains(tenantLabel, "tenants' pods")

/** Kinds whose objects go with their definitions, some of which only the manager lets go. */
const ofDefinitions: readonly Use[] = (['controlPlaneSnapshots', 'dataStores', 'tenantClasses'] as const).map((name) => ({
  type: resourceTypes[name],
  words: (names) => `there are ${resourceTypes[name].plural}, which go with their definition: ${names}. Delete them first`,
}))

const usesOf = (side: Side, withDefinitions: boolean): readonly Use[] => [
  ...(side === 'super' ? [] : [tenants, planes]),
  ...(side === 'management' ? [] : [carried]),
  ...(side === 'super' ? [] : [volumes]),
  ...(side !== 'super' && withDefinitions ? ofDefinitions : []),
]

/** Throws INSTALL_REFUSED with everything that would be lost, or never be removed, if Berth went now; `so` says what has become of the removal. */
export const refuseWhileInUse = async (
  client: KubeClient,
  { side, definitions, signal }: { readonly side: Side; readonly definitions: boolean; readonly signal: AbortSignal },
  so = 'nothing was removed',
): Promise<void> => {
  const found = await Promise.all(
    usesOf(side, definitions).map(async ({ type, options, words }) => {
      const objects = await existing(client, type, { ...options, signal })
      return objects.length === 0 ? [] : [words(namesOf(objects))]
    }),
  )
  const reasons = found.flat()
  if (reasons.length > 0) throw new AppError('INSTALL_REFUSED', `${so}: ${reasons.join('; ')}`, { side })
}
