import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Change } from './apply.ts'
import { isOurs, refuseHelm, type Side } from './holder.ts'
import { refuseWhileInUse } from './in-use.ts'
import { idOf, refOf, typeOf } from './object-type.ts'
import { eachUntil } from './until.ts'

export interface RemoveInput {
  /** Everything that any installation may consist of. */
  readonly objects: readonly KubeObject[]
  readonly side: Side
  /** The definitions of the kinds of berth.dev go too. */
  readonly definitions: boolean
  /** How long each group may take to be gone. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Told as it happens. */
  readonly tell: (change: Change) => void
  /** What has a name of ours and is not ours, which stays. */
  readonly tellForeign: (id: string) => void
}

/** Kinds that go one after the other: nobody asks a webhook that has gone, nobody works whose rights go, nobody's kind goes before him. */
const groups: readonly (readonly string[])[] = [
  ['ValidatingWebhookConfiguration'],
  ['Deployment', 'DaemonSet'],
  ['Service', 'Secret', 'PodDisruptionBudget', 'NetworkPolicy'],
  ['ClusterRoleBinding', 'RoleBinding'],
  ['ClusterRole', 'Role'],
  ['FlowSchema', 'PriorityLevelConfiguration'],
  // They hold rights back: they go when those are gone.
  ['ValidatingAdmissionPolicyBinding'],
  ['ValidatingAdmissionPolicy'],
  ['ServiceAccount'],
  ['Namespace'],
]
const definitionsGroup = ['CustomResourceDefinition']

/** Deletes what is ours of these objects, and resolves when it is gone. */
const removeAll = async (client: KubeClient, objects: readonly KubeObject[], input: RemoveInput): Promise<void> => {
  const { signal, timeoutMs, tell, tellForeign } = input
  const going = new Map<string, { object: KubeObject; uid: string }>()
  for (const object of objects) {
    const type = typeOf(object)
    const live = await client.get(type, refOf(object), { signal })
    if (!live) continue
    if (!isOurs({ ...live, kind: object.kind ?? '' })) {
      tellForeign(idOf(object))
      continue
    }
    const { uid = '' } = live.metadata
    // Foreground: a Deployment is gone when its pods are.
    if (!live.metadata.deletionTimestamp)
      await client.delete(type, refOf(object), { uid, propagationPolicy: 'Foreground', signal })
    going.set(idOf(object), { object, uid })
  }
  const isThere = async (id: string): Promise<string | undefined> => {
    const gone = going.get(id)
    const live = gone && (await client.get(typeOf(gone.object), refOf(gone.object), { signal }))
    if (live && live.metadata.uid === gone.uid) {
      const left = live.metadata.finalizers?.join(', ')
      return left ? `still ends, with finalizers ${left}` : 'still ends'
    }
    return undefined
  }
  await eachUntil([...going.keys()], isThere, { timeoutMs, signal })
  for (const id of going.keys()) tell({ id, change: 'removed' })
}

/**
 * Takes an installation away, in an order in which nothing is left behind without an owner. Cut off, it goes on from what is there. Throws INSTALL_REFUSED before it
 * removed anything while tenants, their namespaces or volumes of Berth's own exist, or where Helm holds it, and DEADLINE_EXCEEDED with what does not go.
 */
export const removeInstall = async (client: KubeClient, input: RemoveInput): Promise<void> => {
  const { objects, side, definitions, signal } = input
  await refuseHelm(client, signal, 'uninstall')
  await refuseWhileInUse(client, { side, definitions, signal })
  for (const [index, kinds] of groups.entries()) {
    await removeAll(
      client,
      objects.filter(({ kind = '' }) => kinds.includes(kind)),
      input,
    )
    // A tenant that came in between still has its way back: `berth install` makes what is gone by now again.
    if (index === 1) await refuseWhileInUse(client, { side, definitions, signal }, 'the processes are gone, install them again')
  }
  if (!definitions) return
  await removeAll(
    client,
    objects.filter(({ kind = '' }) => definitionsGroup.includes(kind)),
    input,
  )
}

/** Names of the definitions that stay when an installation goes without them. */
export const definitionsLeft = async (
  client: KubeClient,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<string[]> => {
  const names = objects.flatMap(({ kind, metadata: { name } }) =>
    kind === 'CustomResourceDefinition' && name !== undefined ? [name] : [],
  )
  const found = await Promise.all(names.map((name) => client.get(resourceTypes.customResourceDefinitions, { name }, { signal })))
  return found.flatMap((definition) => definition?.metadata.name ?? [])
}
