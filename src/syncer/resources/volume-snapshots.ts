import type { KubeObject } from '../../apis/kube-object.ts'
import type { SyncContext, Translation } from '../resource.ts'
import type { CustomRules } from './custom-rules.ts'

/** Definition by which an operator offers snapshots to a tenant. */
export const snapshotDefinition = 'volumesnapshots.snapshot.storage.k8s.io'

/** What comes up of a snapshot's status: the content that it is bound to has a name of super's and is not in the tenant. */
const statusFields: readonly string[] = ['creationTime', 'error', 'readyToUse', 'restoreSize']

const refused = (reason: string, message: string): Translation => ({ kind: 'refused', reason, message })

/** Snapshots are taken of the tenant's own claims, with a class that it may use. One made beforehand could be of anybody's volume. */
const snapshotRefusal = ({ spec }: KubeObject, { classes }: SyncContext): Translation | undefined => {
  if (spec?.source?.volumeSnapshotContentName) {
    return refused(
      'SnapshotContentNotSupported',
      'spec.source.volumeSnapshotContentName: there are no contents made beforehand here; name a claim',
    )
  }
  const name = spec?.volumeSnapshotClassName ?? classes.defaultOf('VolumeSnapshotClass')
  if (name === undefined || name === '') {
    return refused('SnapshotClassNeeded', 'spec.volumeSnapshotClassName: no class is the default here; name one')
  }
  return classes.allows('VolumeSnapshotClass', name)
    ? undefined
    : refused('SnapshotClassNotAllowed', `spec.volumeSnapshotClassName: class ${name} is not offered here`)
}

/** The fields of a snapshot with its class by name: super's default may be another one than the tenant's. */
const snapshotFields = ({ spec }: KubeObject, { classes }: SyncContext): Record<string, unknown> => ({
  spec: {
    ...spec,
    volumeSnapshotClassName: classes.superName(
      'VolumeSnapshotClass',
      spec?.volumeSnapshotClassName ?? classes.defaultOf('VolumeSnapshotClass') ?? '',
    ),
  },
})

export const snapshotRules: CustomRules = {
  statusFields,
  toSuper: (object, ctx, body) =>
    snapshotRefusal(object, ctx) ?? {
      kind: 'object',
      body: { ...body, fields: { ...body.fields, ...snapshotFields(object, ctx) } },
    },
}
