import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey } from '../apis/resource-types.ts'
import { resizedPod } from './pods/resized.ts'
import { hasRoom } from './quota/over-quota.ts'
import type { SuperWrite, SyncedResource } from './resource.ts'
import { informerOf, type SyncDeps } from './sides.ts'
import { refOf } from './write-to-tenant.ts'

/** Something in super that sizes pods itself would else be fought with, write for write. */
const sameResizeEveryMs = 60_000

interface Resize {
  readonly text: string
  readonly at: number
}

const isRepeated = (resize: Resize, last: Resize | undefined): boolean =>
  last !== undefined && last.text === resize.text && resize.at - last.at < sameResizeEveryMs

/** Carries out one write to a subresource of the super object. */
export const writeToSuper = async (
  { subresource, patch, note }: SuperWrite,
  resource: SyncedResource,
  { superObject, tenantObject }: { readonly superObject: KubeObject; readonly tenantObject: KubeObject },
  deps: SyncDeps,
): Promise<void> => {
  const { tenant, superSide, now } = deps
  const { type } = resource
  const { uid = '' } = tenantObject.metadata
  const resize = subresource === 'resize' ? { text: JSON.stringify(patch), at: now() } : undefined
  if (resize && isRepeated(resize, tenant.resizes.get(uid))) return
  if (resize && !(await hasRoom(resource, resizedPod(superObject, patch), { tenantObject }, deps))) return
  const body = { ...patch, metadata: { uid: superObject.metadata.uid } }
  const written = await tenant.superClient.patch(type, refOf(superObject), body, { type: 'strategic', subresource })
  informerOf(superSide.informers, kindKey(type)).observe(written)
  if (resize) tenant.resizes.set(uid, resize)
  if (note) tenant.recorder.record(tenantObject, { type: 'Warning', ...note })
}
