import type { KubeObject } from '../../apis/kube-object.ts'
import { kindKey, resourceTypes } from '../../apis/resource-types.ts'
import { superNamespace } from '../../tenancy/names.ts'
import type { SyncContext, SyncedResource } from '../resource.ts'
import { resourcesOf } from '../resources/index.ts'
import { superRefOf } from '../super-object.ts'
import type { ContextClients } from './context.ts'

/** What has to be in super before an object goes there, and is not: its namespace, and what it refers to and the tenant has. */
export const waitsFor = async (
  resource: SyncedResource,
  tenantObject: KubeObject,
  { ctx, tenantClient, superClient, signal }: ContextClients & { readonly ctx: SyncContext },
): Promise<readonly string[]> => {
  const { namespace } = tenantObject.metadata
  if (namespace === undefined) return []
  const place = await superClient.get(resourceTypes.namespaces, { name: superNamespace(ctx.tenant, namespace) }, { signal })
  if (!place) return [`namespaces/${namespace}`]
  const missing = (resource.dependencies?.(tenantObject) ?? []).map(async ({ resource: plural, name }) => {
    const needed = resourcesOf(ctx).find(({ type }) => kindKey(type) === plural)
    if (!needed) return []
    const [own, above] = await Promise.all([
      tenantClient.get(needed.type, { namespace, name }, { signal }),
      superClient.get(needed.type, superRefOf(needed, ctx.tenant, { namespace, name }), { signal }),
    ])
    // What is not in the tenant either is not waited for: the pod says so itself.
    return own && !above ? [`${plural}/${namespace}/${name}`] : []
  })
  return (await Promise.all(missing)).flat()
}
