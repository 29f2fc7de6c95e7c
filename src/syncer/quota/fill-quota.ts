import type { KubeObject } from '../../apis/kube-object.ts'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import { informerOf, type SuperSide, type TenantSide } from '../sides.ts'

/** Names of limits on what is watched namespace by namespace only. */
const configLimits: readonly string[] = ['configmaps', 'secrets', 'count/configmaps', 'count/secrets']

export interface FillOptions {
  /** What the tenant has in super, of the kinds that have caches. */
  readonly objects: () => Iterable<readonly [kind: string, object: KubeObject]>
  readonly superSide: Pick<SuperSide, 'informers'>
  /** Resolves when all that is being done for the tenant is done. */
  readonly settled: () => Promise<void>
  readonly log: Log
}

/** ConfigMaps and Secrets of the tenant in one super namespace, without those that Berth makes for pods. */
const configsOf = async (
  namespace: string,
  { config }: Pick<TenantSide, 'config'>,
  log: Log,
): Promise<readonly (readonly [string, KubeObject])[]> => {
  const records = await config.of(namespace).catch((error: unknown) => {
    // Without its RoleBinding, as when a process ended while it made the namespace, nothing was written there.
    log.warn({ error: explainError(error), namespace }, 'ConfigMaps and Secrets could not be counted')
    return new Map<string, never>()
  })
  return [...records].flatMap(([key, { renewAt }]) => {
    const [kind = '', name = ''] = key.split('/')
    return renewAt === undefined ? [[kind, { metadata: { namespace, name } }] as const] : []
  })
}

/** Counts all that a tenant with limits has in super, before the first thing is done for it. What is under way still, under other limits, counts as well. */
export const fillQuota = async (
  side: Pick<TenantSide, 'quota' | 'config' | 'ctx'>,
  { objects, superSide, settled, log }: FillOptions,
): Promise<void> => {
  const { quota, ctx } = side
  if (!quota) return
  await settled()
  const namespaces = configLimits.some((name) => quota.hard.has(name))
    ? informerOf(superSide.informers, 'namespaces')
        .list()
        .filter(({ metadata }) => metadata.labels?.[tenantLabel] === ctx.tenant.uid && metadata.deletionTimestamp === undefined)
    : []
  const configs = await Promise.all(namespaces.map(({ metadata }) => configsOf(metadata.name ?? '', side, log)))
  quota.fill([...configs.flat(), ...objects()])
}
