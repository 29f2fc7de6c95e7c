import type { KubeObject } from '../../apis/kube-object.ts'
import { kindKey, type ResourceType } from '../../apis/resource-types.ts'
import type { ObjectRef } from '../../kube/client.ts'
import { isLive } from '../decide.ts'
import { referenceKey } from '../references.ts'
import type { SyncContext, SyncedResource } from '../resource.ts'
import { resourcesOf } from '../resources/index.ts'
import { superRefOf } from '../super-object.ts'
import type { ContextClients } from './context.ts'
import { type Judgement, judgePair, type PendingChange } from './judge.ts'
import { judgeUp, type UpDeps } from './judge-up.ts'
import { readWhole } from './read-whole.ts'
import { waitsFor } from './waits-for.ts'

/** An object of one side, or the place where there is none. */
export interface Found {
  readonly type: ResourceType
  readonly ref: ObjectRef
  readonly object: KubeObject | undefined
}

/** `pods/shop/web`. */
export const placeOf = ({ type, ref }: Pick<Found, 'type' | 'ref'>): string =>
  [kindKey(type), ref.namespace, ref.name].filter(Boolean).join('/')

/** Where an object of a kind is, of words that may not say its namespace. */
export const refOf = (
  type: ResourceType,
  { namespace, name }: { readonly namespace: string | undefined; readonly name: string },
): ObjectRef => (type.namespaced ? { namespace: namespace ?? 'default', name } : { name })

/** Who refers to an object of a kind that goes down by reference: objects of its namespace. */
const referrersOf = async (
  resource: SyncedResource,
  { namespace = '', name }: ObjectRef,
  { ctx, tenantClient, signal }: ContextClients & { readonly ctx: SyncContext },
): Promise<readonly string[]> => {
  const key = `${kindKey(resource.type)}/${namespace}/${name}`
  const referring = resourcesOf(ctx).filter(({ dependencies, type }) => dependencies !== undefined && !type.custom)
  const found = await Promise.all(
    referring.map(async ({ type, dependencies }) => {
      const { items } = await tenantClient.list(type, { namespace, signal })
      return items
        .filter(isLive)
        .filter((object) => dependencies?.(object).some((target) => referenceKey(target, namespace) === key))
        .map(({ metadata }) => placeOf({ type, ref: { namespace, name: metadata.name ?? '' } }))
    }),
  )
  return found.flat()
}

/** Both sides of an object, and how they stand. */
export interface Sides {
  readonly tenantFound: Found
  readonly superFound: Found
  readonly judgement: Judgement
  readonly referredBy: readonly string[] | undefined
}

/** Reads both sides of an object that goes down. */
export const lookDown = async (
  resource: SyncedResource,
  ref: ObjectRef,
  deps: ContextClients & { readonly ctx: SyncContext },
): Promise<Sides> => {
  const { ctx, tenantClient, superClient, signal } = deps
  const { type } = resource
  const superRef = superRefOf(resource, ctx.tenant, { namespace: ref.namespace ?? '', name: ref.name })
  const [tenantObject, superObject, referredBy] = await Promise.all([
    readWhole(tenantClient, type, ref, signal),
    readWhole(superClient, type, superRef, signal),
    resource.byReference ? referrersOf(resource, ref, deps) : undefined,
  ])
  const isWanted = referredBy === undefined || referredBy.length > 0
  const judgement = judgePair(resource, { tenantObject, superObject, isWanted, takenAt: Date.now() }, ctx)
  const isMissing = judgement.pending.some(({ kind }) => kind === 'missing-in-super')
  const first = tenantObject && isMissing ? await waitsFor(resource, tenantObject, deps) : []
  const waits = first.map(
    (place): PendingChange => ({ direction: 'down', kind: 'waits', detail: `for ${place}, which is not in super` }),
  )
  return {
    tenantFound: { type, ref, object: tenantObject },
    superFound: { type, ref: superRef, object: superObject },
    judgement: { ...judgement, pending: [...judgement.pending, ...waits] },
    referredBy,
  }
}

/** Reads both sides of an object that comes up: it has the same name in super. */
export const lookUp = async (type: ResourceType, ref: ObjectRef, deps: UpDeps): Promise<Sides> => {
  const [tenantObject, superObject] = await Promise.all([
    readWhole(deps.tenantClient, type, ref, deps.signal),
    readWhole(deps.superClient, type, ref, deps.signal),
  ])
  const judgement = await judgeUp(type, { name: ref.name, tenantObject, superObject }, deps)
  return {
    tenantFound: { type, ref, object: tenantObject },
    superFound: { type, ref, object: superObject },
    judgement,
    referredBy: undefined,
  }
}
