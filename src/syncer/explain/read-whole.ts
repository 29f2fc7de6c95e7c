import type { KubeObject } from '../../apis/kube-object.ts'
import { apiVersionOf, type ResourceType } from '../../apis/resource-types.ts'
import { errorOfAnswer, isObjectMissing } from '../../kube/answers.ts'
import type { KubeClient, ObjectRef } from '../../kube/client.ts'
import { objectPath } from '../../kube/paths.ts'

/** An object with its `managedFields`, which the client's own reads leave out; undefined when it is not there. */
export const readWhole = async (
  client: Pick<KubeClient, 'raw' | 'server'>,
  type: ResourceType,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<KubeObject | undefined> => {
  const path = objectPath(type, ref)
  const { status, body } = await client.raw(path, { signal })
  if (status === 200) {
    const object = JSON.parse(body) as KubeObject
    return { apiVersion: apiVersionOf(type), kind: type.kind, ...object }
  }
  const error = errorOfAnswer({ server: client.server, method: 'GET', path, status, body })
  if (isObjectMissing(error)) return undefined
  throw error
}
