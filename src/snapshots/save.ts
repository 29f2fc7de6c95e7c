import type { SaveResult, SnapshotTask } from '../apis/snapshot-task.ts'
import { pack } from './archive.ts'
import { counted } from './checked-stream.ts'
import { readEtcd } from './etcd-source.ts'
import type { ObjectStore } from './object-store.ts'

/** Stores what a tenant's etcd has. Done again, it replaces what it stored before. Throws what etcd and the store throw. */
export const save = async (
  task: Pick<Extract<SnapshotTask, { kind: 'save' }>, 'etcd' | 'header' | 'recipients' | 'key'>,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<SaveResult> => {
  const source = await readEtcd(task.etcd, signal)
  const stored = counted(await pack(task.header, source.data, task.recipients))
  await store.put(task.key, stored.stream)
  return { ...stored.passed(), revision: source.revision }
}
