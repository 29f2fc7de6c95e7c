import type { KubeObject } from '../../apis/kube-object.ts'
import type { SyncContext } from '../resource.ts'
import { tenantText } from './tenant-text.ts'

const passing = [
  'type',
  'reason',
  'action',
  'count',
  'eventTime',
  'firstTimestamp',
  'lastTimestamp',
  'series',
  'source',
  'reportingComponent',
  'reportingInstance',
]

/**
 * An Event of super about a synced object, told about the tenant's object. `involved` is that object; kind and version come from the Event, since objects
 * out of a list do not say theirs.
 */
export const tenantEvent = (
  superEvent: KubeObject,
  {
    involved,
    superNamespaceName,
  }: { readonly involved: Pick<KubeObject, 'metadata'>; readonly superNamespaceName: string; readonly ctx: SyncContext },
): KubeObject => {
  const { namespace = '', name = '', uid = '' } = involved.metadata
  const { kind, apiVersion, uid: superUid = '', fieldPath } = superEvent.involvedObject ?? {}
  const text = tenantText({ namespace, superNamespaceName, uids: [[superUid, uid]] })
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: superEvent.metadata.name ?? '', namespace },
    involvedObject: { apiVersion, kind, namespace, name, uid, ...(fieldPath !== undefined && { fieldPath }) },
    ...Object.fromEntries(
      passing
        .filter((field) => superEvent[field] !== undefined && superEvent[field] !== null)
        .map((field) => [field, superEvent[field]]),
    ),
    ...(superEvent.message !== undefined && { message: text(superEvent.message) }),
  }
}
