import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey } from '../apis/resource-types.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { detourAnnotation, isBerthKey, tenantLabel } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { asFarAsGranted } from './as-far-as-granted.ts'
import { type Action, decide, type Pair } from './decide.ts'
import { endDetour } from './detour.ts'
import { restOf } from './hibernation.ts'
import { keyOf, type ObjectKey, storeKey, tokensKey } from './keys.ts'
import { missingBefore } from './missing-before.ts'
import { openMarks } from './network/openness.ts'
import { ensurePodSecrets } from './pod-secrets.ts'
import { maySteer } from './pods/labels.ts'
import { hasRoom } from './quota/over-quota.ts'
import type { SyncedResource } from './resource.ts'
import { lacksAddresses } from './resources/services.ts'
import { done, informerOf, type SyncDeps, type SyncResult, type TenantSide } from './sides.ts'
import {
  isUnlabelled,
  isUnlabelledRelic,
  ownerOf,
  superRefOf,
  updatedObject,
  wantedHashOf,
  wantedObject,
} from './super-object.ts'
import { settleAddress } from './sync-address.ts'
import { ensureFittings } from './sync-namespace.ts'
import { writeToSuper } from './write-to-super.ts'
import { refOf, writeToTenant } from './write-to-tenant.ts'

/** Kinds of action that change something in super. */
const superActions: ReadonlySet<Action['kind']> = new Set(['create', 'update', 'delete-super'])

/** Brings one pair of a watched kind a step nearer to agreement: down, then up. */
export const syncObject = async (resource: SyncedResource, key: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { quota, ctx } = deps.tenant
  const kind = kindKey(resource.type)
  if (!quota) return syncPair(resource, key, deps)
  const place = { kind, namespace: '', ...superRefOf(resource, ctx.tenant, key) }
  return quota.during(place, keyOf(kind, key.namespace, key.name), () => syncPair(resource, key, deps))
}

const syncPair = async (resource: SyncedResource, key: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide } = deps
  const { ctx } = tenant
  const tenantCache = informerOf(tenant.informers, kindKey(resource.type))
  const superCache = informerOf(superSide.informers, kindKey(resource.type))
  const superRef = superRefOf(resource, ctx.tenant, key)

  const tenantObject = tenantCache.get(storeKey(key.namespace, key.name))
  const superObject = superCache.get(storeKey(superRef.namespace ?? '', superRef.name))
  const wanted = tenantObject && translate(resource, { tenantObject, superObject }, tenant)
  const rest = tenantObject && restOf(tenantObject, tenant)
  const action = decide(resource, {
    tenantUid: ctx.tenant.uid,
    tenantObject,
    superObject,
    wanted,
    rest,
    tenantSleeps: tenant.rest?.kind === 'ending',
  })
  if (
    rest !== undefined &&
    superObject &&
    (action.kind === 'delete-super' || superObject.metadata.deletionTimestamp !== undefined)
  ) {
    // Not a word of it to the tenant: its pod is what it was when it wakes.
    if (tenant.rest?.kind === 'ending') tenant.rest.ended.set(tenantObject?.metadata.uid ?? '', superObject.metadata.uid ?? '')
    return carryOut(action, resource, { key, tenantObject }, deps)
  }

  const isService = resource.type.kind === 'Service' && tenantObject !== undefined
  if (isService && tenantObject.metadata.annotations?.[detourAnnotation] !== undefined && action.kind !== 'delete-super') {
    // A process that led it on a detour ended before it came back.
    await endDetour(resource.type, tenantObject, tenant)
    return done
  }
  if (resource.type.kind === 'Namespace' && tenantObject && superObject && action.kind === 'none')
    await readyNamespace(tenantObject, superRef.name, deps)
  const pair = tenantObject && superObject && ownerOf(superObject)?.objectUid === tenantObject.metadata.uid
  // What super refuses of one thing holds up no other: the tenant is told how its object fares, and its pods' tokens are renewed.
  const refusals: unknown[] = []
  const unlessRefused = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work
    } catch (error) {
      if (!pair || !hasCode(error, ...refusalCodes)) throw error
      refusals.push(error)
      return undefined
    }
  }
  if (tenantObject && wanted?.kind === 'object' && (action.kind === 'create' || action.kind === 'update')) {
    for (const note of wanted.notes ?? []) tenant.recorder.record(tenantObject, { type: 'Warning', ...note })
  }
  let result: SyncResult
  try {
    const carried = carryOut(action, resource, { key, tenantObject }, deps)
    result = isService ? await carried : ((await unlessRefused(carried)) ?? done)
  } catch (error) {
    if (!isService) throw error
    const settled = await settleAddress(tenantObject, error, deps)
    if (settled.kind !== 'kept') return settled
    result = done
  }
  if (result.kind === 'wait-for' || !pair) return result

  for (const write of resource.toTenant?.(superObject, tenantObject, ctx) ?? [])
    await writeToTenant(write, resource, tenantObject, deps)
  // An update of its own brings no event: what changed beside it goes down in the same turn.
  if (action.kind === 'none' || action.kind === 'update') {
    for (const write of resource.superWrites?.(superObject, tenantObject, ctx) ?? [])
      await unlessRefused(writeToSuper(write, resource, { superObject, tenantObject }, deps))
  }
  // A pod that is in super stays there and needs them, also one that would not be let in today.
  const isServed = ['none', 'update', 'refused'].includes(action.kind) && tenantObject.metadata.deletionTimestamp === undefined
  const renewal = resource.type.kind === 'Pod' && isServed ? await ensurePodSecrets(tenantObject, deps) : undefined
  if (refusals.length > 0) throw refusals[0]
  return renewal === undefined ? result : { kind: 'done', againAfterMs: renewal }
}

/** Super understood what was asked for, and does not want it. */
const refusalCodes = ['KUBE_FORBIDDEN', 'KUBE_INVALID', 'KUBE_CONFLICT'] as const

/** True when the super pod still has our labels and all of the tenant's. */
const keepsLabels = (superObject: KubeObject, tenantObject: KubeObject, ctx: TenantSide['ctx']): boolean => {
  const { tenant } = ctx
  const { labels = {} } = superObject.metadata
  return (
    labels[tenantLabel] === tenant.uid &&
    Object.entries(tenantObject.metadata.labels ?? {}).every(
      ([key, value]) => labels[key] === value || isBerthKey(key) || maySteer(key),
    ) &&
    Object.entries(openMarks(tenantObject, ctx)).every(([key, value]) => labels[key] === value)
  )
}

/** Translates, unless the super object is known to be what this very tenant object, unchanged in the cache, was translated to. */
const translate = (
  resource: SyncedResource,
  { tenantObject, superObject }: { readonly tenantObject: KubeObject; readonly superObject: KubeObject | undefined },
  { ctx, translated }: Pick<TenantSide, 'ctx' | 'translated'>,
): Pair['wanted'] => {
  const known = resource.type.kind === 'Pod' ? translated.get(tenantObject) : undefined
  const holds =
    known?.policies === ctx.policies.revision && (Boolean(tenantObject.spec?.nodeName) || known.nodes === ctx.nodes.revision)
  if (superObject && holds && known.hash === wantedHashOf(superObject) && keepsLabels(superObject, tenantObject, ctx))
    return { kind: 'settled' }
  const wanted = wantedObject(resource, tenantObject, ctx)
  const hash = wanted.kind === 'object' ? wantedHashOf(wanted.object) : undefined
  if (hash !== undefined) translated.set(tenantObject, { hash, nodes: ctx.nodes.revision, policies: ctx.policies.revision })
  return wanted
}

const carryOut = async (
  action: Action,
  resource: SyncedResource,
  { key, tenantObject }: { key: ObjectKey; tenantObject: KubeObject | undefined },
  deps: SyncDeps,
): Promise<SyncResult> => {
  const { tenant } = deps
  const { type } = resource
  const missing = action.kind === 'create' && tenantObject ? missingBefore(resource, tenantObject, deps) : undefined
  if (missing !== undefined) return { kind: 'wait-for', key: missing }
  const waitMs = superActions.has(action.kind) ? tenant.pace?.wait(keyOf(kindKey(type), key.namespace, key.name)) : undefined
  if (waitMs) return { kind: 'done', againAfterMs: waitMs }
  switch (action.kind) {
    case 'none':
      return done
    case 'create':
      return create(resource, finished(resource, action.object, tenantObject, deps), tenantObject, deps)
    case 'update':
      return update(resource, action, { tenantObject }, deps)
    case 'delete-super': {
      const { superObject, gracePeriodSeconds } = action
      const client = clientFor(resource, deps)
      await client.delete(type, refOf(superObject), {
        ...(superObject.metadata.uid !== undefined && { uid: superObject.metadata.uid }),
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      })
      return done
    }
    case 'delete-tenant':
      await tenant.tenantClient.delete(type, refOf(action.tenantObject), {
        ...(action.tenantObject.metadata.uid !== undefined && { uid: action.tenantObject.metadata.uid }),
        gracePeriodSeconds: action.gracePeriodSeconds,
      })
      return done
    case 'finalise':
      return finalise(resource, action, { key }, deps)
    case 'foreign':
      throw new AppError(
        'SUPER_OBJECT_FOREIGN',
        `a ${type.kind} of this name that is not the tenant's own is in the way; choose another name`,
        { kind: type.kind, name: key.name },
      )
    case 'refused':
      if (tenantObject) tenant.recorder.record(tenantObject, { type: 'Warning', reason: action.reason, message: action.message })
      return done
  }
}

/** Super namespaces are the syncer's own to write; all else goes under the tenant's identity. */
const clientFor = ({ type }: SyncedResource, { tenant, superSide }: SyncDeps) =>
  type.kind === 'Namespace' ? superSide.client : tenant.superClient

/** A pod that never came to be in super and is gone from the tenant meanwhile leaves its tokens behind: its key looks after them. */
const podRefOf = ({ metadata: { namespace = '', name = '', uid = '' } }: KubeObject) => ({ namespace, name, uid })

/** The wanted object as it is made, with a word to the tenant about what it does not get. */
const finished = (
  { atCreation }: SyncedResource,
  wanted: KubeObject,
  tenantObject: KubeObject | undefined,
  { tenant, image }: SyncDeps,
): KubeObject => {
  if (!atCreation || !tenantObject) return wanted
  const { object, notes } = atCreation(wanted, tenantObject, { ctx: tenant.ctx, image })
  for (const note of notes) tenant.recorder.record(tenantObject, { type: 'Warning', ...note })
  return object
}

/** No watch shows the end of what has no label. */
const relicAgainMs = 250

const create = async (
  resource: SyncedResource,
  object: KubeObject,
  tenantObject: KubeObject | undefined,
  deps: SyncDeps,
): Promise<SyncResult> => {
  const { tenant, superSide } = deps
  const { type } = resource
  if (tenantObject && !(await hasRoom(resource, object, { tenantObject, isNew: true }, deps))) return done
  const renewal = type.kind === 'Pod' && tenantObject ? await ensurePodSecrets(tenantObject, deps) : undefined
  const client = clientFor(resource, deps)
  const cache = informerOf(superSide.informers, kindKey(type))
  try {
    const created = await asFarAsGranted(resource, object, (asked) => client.create(type, asked))
    cache.observe(created)
    if (type.kind === 'Service' && tenantObject && lacksAddresses(created, tenantObject)) return { kind: 'done', againAfterMs: 0 }
    if (type.kind === 'Namespace' && tenantObject) {
      tenant.config.startEmpty(created.metadata.name ?? '')
      await readyNamespace(tenantObject, created.metadata.name ?? '', deps)
    }
  } catch (error) {
    if (renewal !== undefined && tenantObject) deps.enqueue(tokensKey(podRefOf(tenantObject)))
    // Of a Service that is there already the API server says first that its address is taken.
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS', 'KUBE_CONFLICT', 'KUBE_INVALID')) throw error
    const live = await client.get(type, refOf(object))
    // The watch, which goes by the label, will never show it.
    if (live && tenantObject && isUnlabelled(live, tenantObject))
      return labelAgain(resource, { live, object, tenantObject }, deps)
    if (live && tenantObject && isUnlabelledRelic(live, tenantObject)) {
      // Nobody else will ever end it, and it holds the name.
      const { uid = '', resourceVersion = '' } = live.metadata
      await client.delete(type, refOf(live), { uid, resourceVersion })
      return { kind: 'done', againAfterMs: relicAgainMs }
    }
    if (hasCode(error, 'KUBE_INVALID')) throw error
    if (live && ownerOf(live)?.tenantUid !== tenant.ctx.tenant.uid) {
      throw new AppError(
        'SUPER_OBJECT_FOREIGN',
        `a ${type.kind} of this name that is not the tenant's own is in the way; choose another name`,
        { kind: type.kind, name: tenantObject?.metadata.name, cause: error },
      )
    }
    // Our own of an earlier moment, which the watch has still to show: with it in the cache the next round decides.
    if (live) cache.observe(live)
    return { kind: 'done', againAfterMs: 0 }
  }
  return renewal === undefined ? done : { kind: 'done', againAfterMs: renewal }
}

const readyNamespace = async (tenantNamespace: KubeObject, superName: string, deps: SyncDeps): Promise<void> => {
  const { readyNamespaces } = deps.tenant
  const { name = '', uid = '' } = tenantNamespace.metadata
  if (readyNamespaces.get(name) === uid) return
  await ensureFittings(superName, deps)
  readyNamespaces.set(name, uid)
}

const update = async (
  resource: SyncedResource,
  { live: cached, object }: Extract<Action, { kind: 'update' }>,
  { tenantObject, isThere = false }: { readonly tenantObject: KubeObject | undefined; readonly isThere?: boolean },
  deps: SyncDeps,
): Promise<SyncResult> => {
  const { type } = resource
  const client = clientFor(resource, deps)
  const cache = informerOf(deps.superSide.informers, kindKey(type))
  // The cache may hold a projection: what is written goes from the whole object.
  const live = await client.get(type, refOf(cached))
  if (!live || live.metadata.uid !== cached.metadata.uid) return { kind: 'done', againAfterMs: 0 }
  const change = updatedObject(resource, live, object)
  const next = change.kind === 'recreate' ? object : change.object
  if (tenantObject && !(await hasRoom(resource, next, { tenantObject, isThere }, deps))) return done
  if (change.kind === 'recreate') {
    const { uid = '', resourceVersion = '' } = live.metadata
    await client.delete(type, refOf(live), { uid, resourceVersion })
    deps.tenant.quota?.keepRoom(kindKey(type), object)
    return done
  }
  const written = await asFarAsGranted(resource, object, (asked) => {
    const less = updatedObject(resource, live, asked)
    return client.replace(type, less.kind === 'replace' ? less.object : change.object)
  })
  cache.observe(written)
  return done
}

/** While the watch did not show it, things may have happened to it, and our own write brings no event: so it is looked at again. */
const labelAgain = async (
  resource: SyncedResource,
  { live, object, tenantObject }: { readonly live: KubeObject; readonly object: KubeObject; readonly tenantObject: KubeObject },
  deps: SyncDeps,
): Promise<SyncResult> => {
  await update(resource, { kind: 'update', live, object }, { tenantObject, isThere: true }, deps)
  return { kind: 'done', againAfterMs: 0 }
}

const finalise = async (
  resource: SyncedResource,
  { tenantObject, checked }: Extract<Action, { kind: 'finalise' }>,
  { key }: { key: ObjectKey },
  deps: SyncDeps,
): Promise<SyncResult> => {
  const { tenant, superSide, log } = deps
  const { type } = resource
  if (!checked) {
    const name = tenantObject.metadata.name ?? ''
    const live = await tenant.superClient.get(type, { name, namespace: superNamespace(tenant.ctx.tenant, key.namespace) })
    if (live && isUnlabelled(live, tenantObject)) {
      const wanted = wantedObject(resource, tenantObject, tenant.ctx)
      return wanted.kind === 'object' ? labelAgain(resource, { live, object: wanted.object, tenantObject }, deps) : done
    }
    // A stranger's of this name tells as well that ours is gone.
    if (live && ownerOf(live)?.tenantUid === tenant.ctx.tenant.uid) {
      informerOf(superSide.informers, kindKey(type)).observe(live)
      return { kind: 'done', againAfterMs: 0 }
    }
    log.info({ kind: type.kind, namespace: key.namespace, name }, 'gone in super, finalised in tenant')
  }
  await tenant.tenantClient.delete(type, refOf(tenantObject), {
    ...(tenantObject.metadata.uid !== undefined && { uid: tenantObject.metadata.uid }),
    gracePeriodSeconds: 0,
  })
  return done
}
