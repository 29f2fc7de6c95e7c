import type { KubeObject } from '../apis/kube-object.ts'
import { gatewaysKey } from './gateways/kinds.ts'
import { snapshotDefinition } from './resources/volume-snapshots.ts'

interface ClassUser {
  /** Key of the kind whose objects name a class. */
  readonly kind: string
  /** The class that an object asks for; undefined: the default one. */
  readonly classOf: (object: KubeObject) => string | undefined
}

const storageUser: ClassUser = {
  kind: 'persistentvolumeclaims',
  classOf: ({ metadata, spec }) => spec?.storageClassName ?? metadata.annotations?.['volume.beta.kubernetes.io/storage-class'],
}

/** Who uses the classes of a kind, by the plural of that: what was refused for want of a class may go down when it comes. */
const classUsers: Readonly<Record<string, ClassUser>> = {
  ingressclasses: {
    kind: 'ingresses',
    classOf: ({ metadata, spec }) => spec?.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'],
  },
  storageclasses: storageUser,
  volumeattributesclasses: { kind: storageUser.kind, classOf: ({ spec }) => spec?.volumeAttributesClassName },
  volumesnapshotclasses: { kind: snapshotDefinition, classOf: ({ spec }) => spec?.volumeSnapshotClassName },
  gatewayclasses: { kind: gatewaysKey, classOf: ({ spec }) => spec?.gatewayClassName ?? '' },
  runtimeclasses: { kind: 'pods', classOf: ({ spec }) => spec?.runtimeClassName ?? '' },
  priorityclasses: { kind: 'pods', classOf: ({ spec }) => spec?.priorityClassName ?? '' },
}

/** Objects to look at again when a class has come: those that name it, and those that take the default. */
export const waitingForClass = (
  plural: string,
  name: string,
  list: (kind: string) => readonly KubeObject[],
): readonly { readonly kind: string; readonly object: KubeObject }[] => {
  const user = Object.hasOwn(classUsers, plural) ? classUsers[plural] : undefined
  if (!user) return []
  return list(user.kind)
    .filter((object) => (user.classOf(object) ?? name) === name)
    .map((object) => ({ kind: user.kind, object }))
}
