import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import type { SyncContext } from '../syncer/resource.ts'
import { namespaces } from '../syncer/resources/namespaces.ts'
import { wantedObject } from '../syncer/super-object.ts'
import { namespaceFittings } from '../syncer/sync-namespace.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace } from './builders.ts'

/** Makes a super namespace as the syncer would for the tenant's namespace `name`, with its fittings. `syncer` is super as its account. Returns its name. */
export const makeSuperNamespace = async (
  name: string,
  { ctx, syncer }: { ctx: SyncContext; syncer: KubeClient },
): Promise<string> => {
  const wanted = wantedObject(namespaces, aNamespace({ metadata: { name, uid: `uid-of-${name}` } }), ctx)
  if (wanted.kind !== 'object') throw new Error(`the namespace ${name} does not go down`)
  await syncer.create<KubeObject>(resourceTypes.namespaces, wanted.object)
  const below = superNamespace(ctx.tenant, name)
  for (const object of namespaceFittings(ctx, below)) {
    const type = object.kind === 'RoleBinding' ? resourceTypes.roleBindings : resourceTypes.serviceAccounts
    await syncer.create(type, object)
  }
  return below
}
