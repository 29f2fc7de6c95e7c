import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { mirroredLabel } from '../tenancy/marks.ts'
import { keyOf, type ObjectKey } from './keys.ts'
import { definitionName, offeredDefinitions, tenantDefinition } from './resources/custom-kinds.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { isExactly } from './super-object.ts'

const type = resourceTypes.customResourceDefinitions
/** When the API server is asked again for objects of a definition that is in force: it takes a moment until it serves them. */
const servedAgainMs = 250

const serves = ({ spec }: KubeObject, version: string): boolean =>
  (spec.versions as { name: string; served: boolean }[]).some(({ name, served }) => name === version && served)

const isEstablished = (definition: KubeObject): boolean =>
  (definition.status?.conditions ?? []).some(
    ({ type: of, status }: { type: string; status: string }) => of === 'Established' && status === 'True',
  )

/** Makes a declared kind known in the tenant, as super defines it, and then watches it on both sides. */
export const syncDefinition = async ({ name }: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide, log } = deps
  const offered = offeredDefinitions(tenant.ctx.customKinds).find(({ kind }) => definitionName(kind) === name)
  const superDefinition = superSide.definitions.get(name)
  // What the tenant has of a kind that super has lost stays: its objects are the tenant's.
  if (!offered || !superDefinition) return done
  const wanted = tenantDefinition(superDefinition, offered)
  if (typeof wanted === 'string') {
    log.warn({ tenant: tenant.ctx.tenant.uid, definition: name, reason: wanted }, 'a declared kind cannot be synced')
    return done
  }
  let live = await tenant.tenantClient.get<KubeObject>(type, { name })
  if (!live) {
    live = await tenant.tenantClient.create<KubeObject>(type, wanted)
  } else if (live.metadata.labels?.[mirroredLabel] !== undefined && !isExactly(specOf(live), specOf(withStored(wanted, live)))) {
    const object = { ...withStored(wanted, live), metadata: { ...live.metadata, ...wanted.metadata } }
    live = await tenant.tenantClient.replace<KubeObject>(type, object)
  }
  if (!serves(live, offered.kind.version)) {
    log.warn(
      { tenant: tenant.ctx.tenant.uid, definition: name },
      'the tenant has a definition of its own, which does not serve the version',
    )
    return done
  }
  // The watch of the definition tells when it is in force.
  if (!isEstablished(live)) return done
  if (offered.isClass) return copyClasses(offered.kind.plural, deps)
  superSide.watchCustom(offered.kind)
  tenant.watchCustom(offered.kind)
  return done
}

/** Classes that super has had for long come up as soon as the tenant's API server knows their kind. */
const copyClasses = (plural: string, { tenant, superSide, enqueue }: SyncDeps): SyncResult => {
  const copies = informerOf(tenant.informers, plural)
  if (!copies.isServed) {
    copies.askAgain()
    return { kind: 'done', againAfterMs: servedAgainMs }
  }
  for (const { metadata } of informerOf(superSide.informers, plural).list()) enqueue(keyOf(plural, '', metadata.name ?? ''))
  return done
}

/** An API server keeps no definition without the versions that objects were stored in: they stay, no longer served. */
const withStored = (wanted: KubeObject, live: KubeObject): KubeObject => {
  const [given] = wanted.spec.versions
  const stored: readonly string[] = live.status?.storedVersions ?? []
  const old = (live.spec.versions as { name: string }[])
    .filter(({ name }) => name !== given.name && stored.includes(name))
    .map((version) => ({ ...version, served: false, storage: false }))
  return { ...wanted, spec: { ...wanted.spec, versions: [given, ...old] } }
}

/** The part that Berth decides; `conversion` and the like are the API server's defaults. */
const specOf = ({ metadata, spec }: KubeObject): KubeObject => {
  const { group, names, scope, versions } = spec
  const { shortNames, categories, ...given } = names
  return { metadata, spec: { group, scope, versions, names: { ...given, shortNames, categories } } }
}
