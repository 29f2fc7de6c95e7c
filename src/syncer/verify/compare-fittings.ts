import { isDeepStrictEqual } from 'node:util'
import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { renewAtAnnotation } from '../../tenancy/marks.ts'
import { podSecretKinds, podSecretName, superNamespace } from '../../tenancy/names.ts'
import { fencesOf } from '../network/fences.ts'
import type { SyncContext } from '../resource.ts'
import { tokenSources, trustSources } from '../resources/pods.ts'
import { ownerOf } from '../super-object.ts'
import { namespaceFittings } from '../sync-namespace.ts'
import { isLeaving } from './compare-pairs.ts'
import type { Difference } from './difference.ts'
import { describeDrift, fieldDrift } from './field-drift.ts'
import { objectsOf, type Snapshot } from './snapshot.ts'

/** A token may be this long over its time of renewal: its last fifth of life is ahead still. */
const renewalSlackMs = 60_000

export const isTokenSecret = ({ metadata }: KubeObject): boolean => metadata.annotations?.[renewAtAnnotation] !== undefined

const fittingsOf = (ctx: SyncContext, namespace: string): readonly KubeObject[] => [
  ...namespaceFittings(ctx, namespace),
  ...fencesOf(ctx, namespace),
]

/** Rights, account and policies that every super namespace of the tenant has to hold. */
export const compareNamespaceFittings = (snapshot: Snapshot, ctx: SyncContext): readonly Difference[] => {
  const live = new Map(
    [resourceTypes.roleBindings, resourceTypes.serviceAccounts, resourceTypes.networkPolicies].flatMap((type) =>
      objectsOf(snapshot.superSide, type).map((object) => [`${type.kind} ${objectKey(object)}`, object] as const),
    ),
  )
  return objectsOf(snapshot.superSide, resourceTypes.namespaces)
    .filter((namespace) => namespace.metadata.deletionTimestamp === undefined && ownerOf(namespace) !== undefined)
    .flatMap((namespace) =>
      fittingsOf(ctx, namespace.metadata.name ?? '').flatMap((wanted): Difference[] => {
        const place = { resource: 'namespaces', namespace: '', name: ownerOf(namespace)?.name ?? '' }
        const found = live.get(`${wanted.kind} ${objectKey(wanted)}`)
        const what = `${wanted.kind} ${wanted.metadata.name}`
        if (!found) return [{ ...place, kind: 'missing-in-super', detail: `${what} is missing` }]
        if (wanted.kind === 'NetworkPolicy' && !isDeepStrictEqual(found.spec, wanted.spec))
          return [{ ...place, kind: 'field-in-super', detail: `${what} does not say what it is to say` }]
        return fieldDrift(found, wanted)
          .filter(({ path }) => !['kind', 'apiVersion'].includes(path))
          .map((drift) => ({ ...place, kind: 'field-in-super', detail: `${what}: ${describeDrift(drift)}` }))
      }),
    )
}

const compareToken = (secret: KubeObject | undefined, pod: KubeObject, takenAt: number): string | undefined => {
  if (!secret) return 'the Secret with its tokens is missing'
  if (ownerOf(secret)?.objectUid !== pod.metadata.uid) return 'the Secret with its tokens is marked as that of another pod'
  const keys = tokenSources(pod).map(({ key }) => key)
  const missing = keys.filter((key) => !secret.data?.[key])
  if (missing.length > 0) return `the Secret with its tokens lacks ${missing.join(', ')}`
  const renewAt = Date.parse(secret.metadata.annotations?.[renewAtAnnotation] ?? '')
  return Number.isNaN(renewAt) || renewAt + renewalSlackMs < takenAt ? 'its tokens were to be renewed and are not' : undefined
}

const isFinished = ({ status }: KubeObject): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** The Secrets that go with a pod are there for each pod in super that mounts tokens or trust bundles, and none for a pod that is gone. */
export const compareTokens = (snapshot: Snapshot, ctx: SyncContext): readonly Difference[] => {
  const superPods = new Set(objectsOf(snapshot.superSide, resourceTypes.pods).map((pod) => ownerOf(pod)?.objectUid))
  const secrets = new Map(
    objectsOf(snapshot.superSide, resourceTypes.secrets)
      .filter(isTokenSecret)
      .map((secret) => [objectKey(secret), secret]),
  )
  const differences: Difference[] = []
  for (const pod of objectsOf(snapshot.tenant, resourceTypes.pods)) {
    const { name = '', namespace = '', uid = '' } = pod.metadata
    const [secret, trust] = podSecretKinds.map((kind) => {
      const key = `${superNamespace(ctx.tenant, namespace)}/${podSecretName(name, uid, kind)}`
      const found = secrets.get(key)
      secrets.delete(key)
      return found
    })
    if (pod.metadata.deletionTimestamp !== undefined || isFinished(pod) || !superPods.has(uid)) continue
    if (trustSources(pod).length > 0 && !trust)
      differences.push({
        kind: 'missing-in-super',
        resource: 'pods',
        namespace,
        name,
        detail: 'the Secret with its trust bundles is missing',
      })
    if (tokenSources(pod).length === 0) continue
    const detail = compareToken(secret, pod, snapshot.takenAt)
    if (detail !== undefined)
      differences.push({ kind: secret ? 'field-in-super' : 'missing-in-super', resource: 'pods', namespace, name, detail })
  }
  for (const [key, secret] of secrets) {
    if (isLeaving(secret, snapshot.takenAt)) continue
    const { namespace = '', name = key } = ownerOf(secret) ?? {}
    differences.push({
      kind: 'extra-in-super',
      resource: 'secrets',
      namespace,
      name,
      detail: `${key} is of a pod that is gone`,
    })
  }
  return differences
}
