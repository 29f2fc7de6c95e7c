import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { managedByBerth, managedByLabel, operationLabel } from '../tenancy/marks.ts'
import { systemNamespace } from '../tenancy/names.ts'
import type { ApiCaches } from './caches.ts'
import type { ApiDeps } from './deps.ts'
import { recordLifeMs } from './operation-record.ts'

const { configMaps, roleBindings } = resourceTypes

/** Processes that work in the namespaces of organisations, and the ClusterRoles with what they may do there and nowhere else. */
const members = [
  { account: 'berth-api', role: 'berth:api-organization' },
  { account: 'berth-worker', role: 'berth:worker-organization' },
] as const

/** Lets a process into the namespace of an organisation. */
const organizationAccess = (namespace: string, { account, role }: (typeof members)[number]): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: account, namespace, labels: { [managedByLabel]: managedByBerth } },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'ServiceAccount', name: account, namespace: systemNamespace }],
})

/** Makes sure of the access to one organisation. What is there is left alone. */
export const grantAccess = async (kube: KubeClient, namespace: string): Promise<void> => {
  for (const member of members) {
    try {
      await kube.create(roleBindings, organizationAccess(namespace, member))
    } catch (error) {
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
    }
  }
}

/** Removes what is old of one namespace. Whoever is alive does it: twice does no harm. */
const removeOldRecords = async (namespace: string, { kube, now }: Pick<ApiDeps, 'kube' | 'now'>): Promise<number> => {
  const { items } = await kube.list(configMaps, { namespace, labelSelector: operationLabel, metadataOnly: true })
  const old = items.filter(({ metadata }) => now() - Date.parse(metadata.creationTimestamp ?? '') > recordLifeMs)
  for (const { metadata } of old) {
    const { name = '', uid = '' } = metadata
    await kube.delete(configMaps, { name, namespace }, { uid }).catch((error: unknown) => {
      if (!hasCode(error, 'KUBE_CONFLICT')) throw error
    })
  }
  return old.length
}

/** One round over all organisations: access to those that an operator has labelled, and records after their time. What fails is logged, and tried again in the next round. */
export const sweep = async (
  { kube, now, log, caches }: Pick<ApiDeps, 'kube' | 'now'> & { readonly log: Log; readonly caches: ApiCaches },
  signal: AbortSignal,
): Promise<void> => {
  const organizations = caches.organizations().filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  for (const namespace of [systemNamespace, ...organizations.map(({ metadata }) => metadata.name ?? '')]) {
    if (signal.aborted) return
    try {
      if (namespace !== systemNamespace) await grantAccess(kube, namespace)
      const removed = await removeOldRecords(namespace, { kube, now })
      if (removed > 0) log.info({ namespace, removed }, 'records of old operations removed')
    } catch (error) {
      log.warn({ namespace, reason: explainError(error) }, 'sweep failed')
    }
  }
}
