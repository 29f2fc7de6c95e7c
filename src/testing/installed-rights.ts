import type { KubeObject } from '../apis/kube-object.ts'
import { objectsOf } from '../cli/install/manifests.ts'
import { typeOf } from '../cli/install/object-type.ts'
import { installValues } from '../cli/install/values.ts'
import type { KubeClient } from '../kube/client.ts'

export const managerUser = 'system:serviceaccount:berth-system:berth-manager'
/** Groups of all accounts in berth-system. */
export const serviceAccountGroups = ['system:serviceaccounts', 'system:serviceaccounts:berth-system']

const rightKinds = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']

/** Objects of these kinds that an installation with these values consists of. */
export const installedObjects = async (values: object, ...kinds: readonly string[]): Promise<KubeObject[]> =>
  (await objectsOf(installValues(values, 'test'))).filter(({ kind = '' }) => kinds.includes(kind))

/** Gives an API server the accounts and rights of an installation, in the namespaces that are there. A moment later they hold. */
export const applyInstalledRights = async (client: KubeClient, values: object = {}): Promise<void> => {
  for (const object of await installedObjects(values, ...rightKinds))
    await client.apply<KubeObject>(typeOf(object), object, { fieldManager: 'test', force: true })
}
