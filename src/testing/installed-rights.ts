import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { objectsOf } from '../cli/install/manifests.ts'
import { typeOf } from '../cli/install/object-type.ts'
import { installValues } from '../cli/install/values.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasCode } from '../lib/errors.ts'

export const managerUser = 'system:serviceaccount:berth-system:berth-manager'
/** Groups of all accounts in berth-system. */
export const serviceAccountGroups = ['system:serviceaccounts', 'system:serviceaccounts:berth-system']

const rightKinds = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']

const accessReviews: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
}

/** Whether the API server would let a user of these groups do that; `client` is an administrator's. */
export const isAllowed = async (
  client: KubeClient,
  who: { readonly user: string; readonly groups: readonly string[] },
  resourceAttributes: object,
): Promise<boolean> => {
  const groups = [...who.groups, 'system:authenticated']
  const review = { metadata: {}, spec: { user: who.user, groups, resourceAttributes } }
  const { status } = await client.create<KubeObject & { status?: { allowed?: boolean } }>(accessReviews, review)
  return status?.allowed === true
}

/** Objects of these kinds that an installation with these values consists of. */
export const installedObjects = async (values: object, ...kinds: readonly string[]): Promise<KubeObject[]> =>
  (await objectsOf(installValues(values, 'test'))).filter(({ kind = '' }) => kinds.includes(kind))

/** Gives an API server objects of an installation as they are. */
export const applyInstalled = async (client: KubeClient, objects: readonly KubeObject[]): Promise<void> => {
  for (const object of objects) await client.apply<KubeObject>(typeOf(object), object, { fieldManager: 'test', force: true })
}

/** Gives an API server the accounts and rights of an installation, with the namespaces that are not there yet. A moment later they hold. */
export const applyInstalledRights = async (client: KubeClient, values: object = {}): Promise<void> => {
  for (const namespace of await installedObjects(values, 'Namespace'))
    await client.create(resourceTypes.namespaces, namespace).catch((error: unknown) => {
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
    })
  await applyInstalled(client, await installedObjects(values, ...rightKinds))
}
