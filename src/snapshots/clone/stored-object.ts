import { AppError } from '../../lib/errors.ts'
import { contentOf, type Field, fieldsOf, fieldWith, withFields } from './protobuf.ts'

/** What an object in protobuf begins with, before the envelope (k8s.io/apimachinery pkg/runtime/serializer/protobuf). */
const magic = Buffer.from('k8s\0')
/** Of the envelope, `runtime.Unknown`: the object itself. */
const rawField = 2
/** Of every object. */
const metadataField = 1
/** Of ObjectMeta (k8s.io/apimachinery pkg/apis/meta/v1/generated.proto). */
const metaFields = { deletionTimestamp: 9, annotations: 12, ownerReferences: 13 } as const
/** Of OwnerReference. */
const controllerField = 6

/** The message of an object as etcd has it. Throws SNAPSHOT_UNREADABLE for what is stored in another way than Kubernetes stores its own kinds. */
export const messageOf = (stored: Buffer): Buffer => {
  const message = stored.subarray(0, magic.length).equals(magic)
    ? contentOf(fieldsOf(stored.subarray(magic.length)), rawField)
    : undefined
  if (message) return message
  throw new AppError('SNAPSHOT_UNREADABLE', 'an object in the snapshot cannot be read: it is not stored as protobuf', {})
}

/** The object with another message in the same envelope. */
export const withMessage = (stored: Buffer, message: Buffer): Buffer =>
  Buffer.concat([
    magic,
    withFields(stored.subarray(magic.length), ({ number }) => (number === rawField ? [fieldWith(rawField, message)] : undefined)),
  ])

const metadataOf = (message: Buffer): Field[] => fieldsOf(contentOf(fieldsOf(message), metadataField) ?? Buffer.alloc(0))

/** True for what is on its way out. */
export const isBeingDeleted = (message: Buffer): boolean =>
  metadataOf(message).some(({ number }) => number === metaFields.deletionTimestamp)

/** True for what a controller made, and makes anew. */
export const hasController = (message: Buffer): boolean =>
  metadataOf(message).some(
    ({ number, content }) =>
      number === metaFields.ownerReferences &&
      fieldsOf(content).some((field) => field.number === controllerField && field.varint === 1),
  )

/** The message without the annotations of which the function says so. An entry of a map is a message with the key as its first field. */
export const withoutAnnotations = (message: Buffer, isUnwanted: (key: string) => boolean): Buffer =>
  withFields(message, ({ number, content }) => {
    if (number !== metadataField) return undefined
    const metadata = withFields(content, (field) =>
      field.number === metaFields.annotations && isUnwanted(contentOf(fieldsOf(field.content), 1)?.toString() ?? '')
        ? []
        : undefined,
    )
    return [fieldWith(metadataField, metadata)]
  })
