import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { superNamespace } from '../tenancy/names.ts'
import { keyOf, type ObjectKey, storeKey } from './keys.ts'
import { allFenceNames, fencesOf, isFence } from './network/fences.ts'
import type { SyncContext } from './resource.ts'
import { done, informerOf, type SuperSide, type SyncDeps, type SyncResult } from './sides.ts'
import { ownerOf } from './super-object.ts'
import type { RunningTenant } from './tenant.ts'
import type { SuperField } from './tenant-source.ts'

const type = resourceTypes.networkPolicies

/** True when a policy of Berth's own is word for word what is wanted: one rule more would open what is to be closed. */
const isAsWanted = (live: KubeObject, wanted: KubeObject): boolean =>
  isDeepStrictEqual(live.spec, wanted.spec) &&
  isDeepStrictEqual(live.metadata.labels, wanted.metadata.labels) &&
  isDeepStrictEqual(live.metadata.annotations ?? {}, wanted.metadata.annotations ?? {})

/** Writes over what is there under this name, whosesoever it is. */
const replaceFence = async (wanted: KubeObject, { client, informers }: SuperSide): Promise<void> => {
  const { name = '', namespace = '' } = wanted.metadata
  const live = await client.get(type, { name, namespace })
  // Gone meanwhile: the event of that comes, and with it another look.
  if (!live || isAsWanted(live, wanted)) return
  const { uid, resourceVersion } = live.metadata
  const metadata = {
    ...wanted.metadata,
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  }
  informerOf(informers, type.plural).observe(await client.replace(type, { ...wanted, metadata }))
}

const ensureFence = async (wanted: KubeObject, superSide: SuperSide): Promise<void> => {
  const { name = '', namespace = '' } = wanted.metadata
  const cache = informerOf(superSide.informers, type.plural)
  const known = cache.get(storeKey(namespace, name))
  if (known) return isAsWanted(known, wanted) ? undefined : replaceFence(wanted, superSide)
  try {
    cache.observe(await superSide.client.create(type, wanted))
  } catch (error) {
    // One that was there before the watch shows it, or from which somebody took the label that the watch goes by.
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
    await replaceFence(wanted, superSide)
  }
}

/** Brings Berth's own policies of one super namespace to what the tenant's settings and super's networks ask for: made, put right, or taken away. */
export const ensureFences = async (
  namespace: string,
  { tenant, superSide }: Pick<SyncDeps, 'tenant' | 'superSide'>,
): Promise<void> => {
  const wanted = fencesOf(tenant.ctx, namespace)
  await Promise.all(wanted.map((fence) => ensureFence(fence, superSide)))
  const names = new Set(wanted.map(({ metadata }) => metadata.name))
  for (const name of allFenceNames.filter((each) => !names.has(each))) {
    const live = informerOf(superSide.informers, type.plural).get(storeKey(namespace, name))
    if (!live || !isFence(live)) continue
    await superSide.client.delete(type, { name, namespace }, live.metadata.uid === undefined ? {} : { uid: live.metadata.uid })
  }
}

/** The key of a tenant namespace whose policies of Berth's own have to be looked at. */
export const fencesKey = (namespace: string): string => keyOf('fences', namespace, '')

/** Whose namespace a policy of Berth's own is in, or was. */
export const fencedNamespace = (policy: KubeObject, { informers }: Pick<SuperSide, 'informers'>) => {
  const superNs = informers.get('namespaces')?.get(policy.metadata.namespace ?? '')
  return superNs && superNs.metadata.deletionTimestamp === undefined ? ownerOf(superNs) : undefined
}

/** A policy of Berth's own has changed in super, or what they are made from. A namespace that is not ready gets them before anything else. */
export const syncFences = async ({ namespace }: Pick<ObjectKey, 'namespace'>, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide } = deps
  const superNs = superNamespace(tenant.ctx.tenant, namespace)
  const live = superSide.informers.get('namespaces')?.get(superNs)
  if (!tenant.readyNamespaces.has(namespace) || !live || live.metadata.deletionTimestamp !== undefined) return done
  await ensureFences(superNs, deps)
  return done
}

/** Super's networks may have changed: what is made of them is looked at again, if they have. */
export const moveFences = (
  tenant: Pick<RunningTenant, 'ctx' | 'setNetworks' | 'readyNamespaces' | 'informers'>,
  networks: Pick<SyncContext, SuperField>,
  enqueue: (key: string) => void,
): void => {
  if (tenant.setNetworks(networks)) enqueueFences(tenant, enqueue)
}

/** What policies are made of has changed: Berth's own and the tenant's are looked at again. */
export const enqueueFences = (
  tenant: Pick<RunningTenant, 'ctx' | 'readyNamespaces' | 'informers'>,
  enqueue: (key: string) => void,
): void => {
  if (!tenant.ctx.isolation.network.apart) return
  for (const namespace of tenant.readyNamespaces.keys()) enqueue(fencesKey(namespace))
  for (const { metadata } of tenant.informers.get(type.plural)?.list() ?? [])
    enqueue(keyOf(type.plural, metadata.namespace ?? '', metadata.name ?? ''))
}
