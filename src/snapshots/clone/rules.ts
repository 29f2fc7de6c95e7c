import { AppError } from '../../lib/errors.ts'
import { registry } from './loopback-etcd.ts'
import { contentOf, fieldsOf, fieldWith, withFields } from './protobuf.ts'
import { opened, sealed } from './secretbox.ts'
import { hasController, isBeingDeleted, messageOf, withMessage, withoutAnnotations } from './stored-object.ts'

/**
 * What belongs to the tenant that was saved and to no other: who serves it and where, which addresses and nodes it has, what super has made for it. Whoever made
 * it makes it anew for the new tenant.
 */
export const leftOut: readonly string[] = [
  'masterleases/',
  'leases/',
  'events/',
  'ranges/',
  'ipaddresses/',
  'servicecidrs/',
  'services/specs/default/kubernetes',
  'services/endpoints/default/kubernetes',
  'endpointslices/default/kubernetes',
  'minions/',
  'csinodes/',
  'csistoragecapacities/',
  'resourceslices/',
  'persistentvolumes/',
  'volumeattachments/',
  // They are of volumes that the new tenant does not have.
  'snapshot.storage.k8s.io/volumesnapshots/',
  'snapshot.storage.k8s.io/volumesnapshotcontents/',
  'certificatesigningrequests/',
  'podcertificaterequests/',
  // The API server adds its authorities to what is there, and would go on trusting the old ones.
  'configmaps/kube-system/extension-apiserver-authentication',
].map((path) => `${registry}${path}`)

/** What makes an API server call others, of a tenant whose data are only looked at: wherever its administrators wrote. */
export const callsOut: readonly string[] = [
  'validatingwebhookconfigurations/',
  'mutatingwebhookconfigurations/',
  // Those that the API server serves itself it makes anew.
  'apiregistration.k8s.io/apiservices/',
].map((path) => `${registry}${path}`)

/** Of a drill: the tenant's own kinds. */
export const definitions = 'apiextensions.k8s.io/customresourcedefinitions/'

const definitionOf = (
  stored: Buffer,
): { metadata?: { deletionTimestamp?: unknown }; spec?: { conversion?: { strategy?: unknown } } } | undefined => {
  try {
    return JSON.parse(stored.toString('utf8')) as ReturnType<typeof definitionOf>
  } catch {
    return undefined
  }
}

/**
 * For a drill: a kind of the tenant's own, as it is; undefined for one that an API server would call its administrators' webhook for, to read its objects or to
 * delete them, and for one that is on its way out, whose objects it would delete. Nobody looks at objects of a kind that is not there. The API server stores
 * definitions as JSON (k8s.io/kubernetes cmd/kube-apiserver/app/apiextensions.go); what is stored otherwise is not looked at either.
 */
export const quietDefinition = (stored: Buffer): Buffer | undefined => {
  const definition = definitionOf(stored)
  const strategy = definition?.spec?.conversion?.strategy ?? 'None'
  return definition && strategy === 'None' && definition.metadata?.deletionTimestamp === undefined ? stored : undefined
}

/** What a pod reads as its authority once, at its start: it waits until that of the new tenant is there. */
export const isRootCa = (key: string): boolean => key.startsWith(`${registry}configmaps/`) && key.endsWith('/kube-root-ca.crt')

/** Field of Pod, Service, claim and Ingress. */
const specField = 2
const statusField = 3
/** Of ServiceSpec (k8s.io/api core/v1/generated.proto, as all numbers here). */
const serviceFields = { clusterIP: 3, clusterIPs: 18 } as const
const podSpecFields = { nodeName: 10 } as const
const podStatusFields = { phase: 1, qosClass: 9 } as const
const claimFields = { volumeName: 3, dataSource: 7, dataSourceRef: 8 } as const
const secretFields = { data: 2, type: 3 } as const

const without = (message: Buffer, ...numbers: readonly number[]): Buffer =>
  withFields(message, ({ number }) => (numbers.includes(number) ? [] : undefined))

const inSpec = (message: Buffer, change: (spec: Buffer) => Buffer): Buffer =>
  withFields(message, ({ number, content }) => (number === specField ? [fieldWith(specField, change(content))] : undefined))

const isAddressField = (number: number): boolean => number === serviceFields.clusterIP || number === serviceFields.clusterIPs

const hasAddress = (text: string): boolean => text !== '' && text !== 'None'

/** The cluster IPs that a stored Service has; none for one that is headless or only a name. */
export const addressesOfService = (stored: Buffer): readonly string[] => {
  const spec = contentOf(fieldsOf(messageOf(stored)), specField) ?? Buffer.alloc(0)
  const texts = fieldsOf(spec).flatMap(({ number, content }) => (isAddressField(number) ? [content.toString()] : []))
  return [...new Set(texts.filter(hasAddress))]
}

/** A Service with its new addresses, and without what super had given it. */
export const clonedService = (stored: Buffer, addresses: ReadonlyMap<string, string>): Buffer => {
  const spec = (content: Buffer): Buffer =>
    withFields(content, (field) => {
      const old = field.content.toString()
      if (!isAddressField(field.number) || !hasAddress(old)) return undefined
      return [fieldWith(field.number, addresses.get(old) ?? '')]
    })
  return withMessage(stored, inSpec(without(messageOf(stored), statusField), spec))
}

/** An object without its status: super tells another one. */
export const withoutStatus = (stored: Buffer): Buffer => withMessage(stored, without(messageOf(stored), statusField))

const endedPhases = ['Succeeded', 'Failed']

/**
 * A pod as it was before it had a node; undefined for one that its controller makes anew, or that was on its way out. One that has ended keeps its status: its words
 * are all that is left of it. It keeps no node either, as pods of nodes that are not there are collected (pkg/controller/podgc).
 */
export const clonedPod = (stored: Buffer): Buffer | undefined => {
  const message = messageOf(stored)
  if (hasController(message) || isBeingDeleted(message)) return undefined
  const status = fieldsOf(contentOf(fieldsOf(message), statusField) ?? Buffer.alloc(0))
  const nodeless = (pod: Buffer): Buffer => inSpec(pod, (spec) => without(spec, podSpecFields.nodeName))
  if (endedPhases.includes(contentOf(status, podStatusFields.phase)?.toString() ?? ''))
    return withMessage(stored, nodeless(message))
  // It follows from the spec, and may not be changed.
  const qos = status.filter(({ number }) => number === podStatusFields.qosClass).map(({ whole }) => whole)
  const pending = fieldWith(statusField, Buffer.concat([fieldWith(podStatusFields.phase, 'Pending'), ...qos]))
  return withMessage(stored, Buffer.concat([nodeless(without(message, statusField)), pending]))
}

/** What says that a claim has its volume, which one it is and who made it. */
const isOfVolume = (key: string): boolean =>
  key.startsWith('pv.kubernetes.io/') ||
  key === 'volume.kubernetes.io/selected-node' ||
  key === 'volume.kubernetes.io/storage-provisioner' ||
  key === 'volume.beta.kubernetes.io/storage-provisioner'

/** A claim that wants a new, empty volume; undefined for one that was on its way out. */
export const clonedClaim = (stored: Buffer): Buffer | undefined => {
  const message = messageOf(stored)
  if (isBeingDeleted(message)) return undefined
  const unbound = inSpec(without(withoutAnnotations(message, isOfVolume), statusField), (spec) =>
    without(spec, ...Object.values(claimFields)),
  )
  return withMessage(stored, Buffer.concat([unbound, fieldWith(statusField, fieldWith(1, 'Pending'))]))
}

/** Keys that Secrets are encrypted with in etcd, each 32 bytes. */
export interface SecretKeys {
  readonly source: Buffer
  readonly own: Buffer
}

/** What the API server writes before what it has encrypted (k8s.io/apiserver pkg/server/options/encryptionconfig), with the name of the key as Berth has it. */
const sealedBy = Buffer.from('k8s:enc:secretbox:v1:key1:')
const anyEncryption = Buffer.from('k8s:enc:')

const plainSecret = (stored: Buffer, { source }: SecretKeys): Buffer => {
  if (!stored.subarray(0, anyEncryption.length).equals(anyEncryption)) return stored
  const plain = stored.subarray(0, sealedBy.length).equals(sealedBy)
    ? opened(stored.subarray(sealedBy.length), source)
    : undefined
  if (plain) return plain
  const message =
    'a Secret of the snapshot cannot be decrypted: the encryption key is not that of the tenant when the snapshot was taken. Choose a snapshot that is encrypted with age, which has its key in it'
  throw new AppError('SNAPSHOT_UNREADABLE', message, {})
}

/** A Secret encrypted with the new tenant's own key. Tokens are signed by keys that the new tenant does not have: their Secrets are emptied, and filled anew by its controller. */
export const clonedSecret = (stored: Buffer, keys: SecretKeys): Buffer => {
  const plain = plainSecret(stored, keys)
  const message = messageOf(plain)
  const isToken = contentOf(fieldsOf(message), secretFields.type)?.toString() === 'kubernetes.io/service-account-token'
  const kept = isToken ? withMessage(plain, without(message, secretFields.data)) : plain
  return Buffer.concat([sealedBy, sealed(kept, keys.own)])
}
