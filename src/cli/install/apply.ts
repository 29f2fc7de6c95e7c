import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { installLabel, installManager, refuseHelm, refuseOtherSide, type Side } from './holder.ts'
import { idOf, refOf, typeOf } from './object-type.ts'
import { eachUntil } from './until.ts'

/** What became of one object. */
export interface Change {
  readonly id: string
  readonly change: 'created' | 'changed' | 'unchanged' | 'removed'
}

export interface ApplyInput {
  readonly objects: readonly KubeObject[]
  readonly side: Side
  readonly signal: AbortSignal
  /** Told as it happens. */
  readonly tell: (change: Change) => void
}

const first = ['Namespace', 'CustomResourceDefinition']
const rank = ({ kind = '' }: KubeObject): number => (first.indexOf(kind) + first.length + 1) % (first.length + 1)

/** Namespaces and definitions before what needs them, all else as it came. */
export const inOrder = (objects: readonly KubeObject[]): KubeObject[] => objects.toSorted((a, b) => rank(a) - rank(b))

const labelled = (object: KubeObject, side: Side): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, [installLabel]: side } },
})

/** Kinds in which something of an older Berth may be left. Not namespaces and definitions: with them would go what is not ours to remove. */
const pruned = [
  resourceTypes.validatingWebhookConfigurations,
  resourceTypes.deployments,
  resourceTypes.daemonSets,
  resourceTypes.services,
  resourceTypes.podDisruptionBudgets,
  resourceTypes.networkPolicies,
  resourceTypes.clusterRoleBindings,
  resourceTypes.roleBindings,
  resourceTypes.clusterRoles,
  resourceTypes.roles,
  resourceTypes.validatingAdmissionPolicyBindings,
  resourceTypes.validatingAdmissionPolicies,
  resourceTypes.serviceAccounts,
  resourceTypes.secrets,
] as const

const removeLeft = async (client: KubeClient, { objects, side, signal, tell }: ApplyInput): Promise<void> => {
  const wanted = new Set(objects.map(idOf))
  for (const type of pruned) {
    const { items } = await client.list(type, { labelSelector: `${installLabel}=${side}`, metadataOnly: true, signal })
    for (const { metadata } of items) {
      const object = { kind: type.kind, metadata }
      if (wanted.has(idOf(object))) continue
      await client.delete(type, refOf(object), { ...(metadata.uid !== undefined && { uid: metadata.uid }), signal })
      tell({ id: idOf(object), change: 'removed' })
    }
  }
}

const isEstablished = (definition: KubeObject | undefined): boolean => {
  const conditions = (definition?.['status']?.conditions ?? []) as readonly { type: string; status: string }[]
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True')
}

const establishedWithinMs = 60_000

/** True when an apply changed nothing of ours: the status of what has one is written by others at the same time, or with it. */
const isSame = (before: KubeObject | undefined, after: KubeObject): boolean => {
  if (before?.metadata.resourceVersion === after.metadata.resourceVersion) return true
  const { generation, labels, annotations } = after.metadata
  return (
    generation !== undefined &&
    generation === before?.metadata.generation &&
    isDeepStrictEqual([labels, annotations], [before?.metadata.labels, before?.metadata.annotations])
  )
}

const applyOne = async (client: KubeClient, object: KubeObject, signal: AbortSignal): Promise<Change> => {
  const type = typeOf(object)
  const before = await client.get(type, refOf(object), { signal })
  const after = await client.apply(type, object, { fieldManager: installManager, force: true, signal })
  return { id: idOf(object), change: before === undefined ? 'created' : isSame(before, after) ? 'unchanged' : 'changed' }
}

/**
 * Applies an installation over whatever there was of Berth, and removes what an older one had and this one has not. Again, or after it was cut off, it goes on from
 * what is there. Throws INSTALL_REFUSED where Helm or another side holds it, and KUBE_... as the server says.
 */
export const applyInstall = async (client: KubeClient, input: ApplyInput): Promise<void> => {
  const { side, signal, tell } = input
  await refuseHelm(client, signal, 'upgrade')
  await refuseOtherSide(client, side, signal)
  const objects = inOrder(input.objects).map((object) => labelled(object, side))
  const isDefinition = ({ kind }: KubeObject): boolean => kind === 'CustomResourceDefinition'
  for (const object of objects.filter((each) => rank(each) < first.length)) tell(await applyOne(client, object, signal))
  await eachUntil(
    objects.filter(isDefinition).map(idOf),
    async (id) => {
      const definition = objects.find((object) => idOf(object) === id)
      const found = definition && (await client.get(typeOf(definition), refOf(definition), { signal }))
      return isEstablished(found) ? undefined : 'its API is not served yet'
    },
    { timeoutMs: establishedWithinMs, signal },
  )
  for (const object of objects.filter((each) => rank(each) >= first.length)) tell(await applyOne(client, object, signal))
  await removeLeft(client, { ...input, objects })
}
