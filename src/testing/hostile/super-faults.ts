import type { KubeObject } from '../../apis/kube-object.ts'
import { basePeers } from '../../syncer/network/peers.ts'
import type { SyncContext, SyncedResource } from '../../syncer/resource.ts'
import { isInside } from '../../syncer/resources/addresses.ts'
import { isBerthKey, tenantLabel } from '../../tenancy/marks.ts'
import { podSecretKinds, podSecretName, rootCaConfigMap, superNamespace, workloadServiceAccount } from '../../tenancy/names.ts'
import type { HostileKind } from './kinds.ts'
import { fieldsNotDown } from './planted.ts'
import { freeAddress, podAddress } from './specs.ts'
import { forged, namespaceNames, offeredClass } from './words.ts'

type Map = Readonly<Record<string, string>>

const commonMarks = /^berth\.dev\/(namespace|name|uid|wanted-hash|keys)$/

const ownMetadata: ReadonlySet<string> = new Set(['name', 'namespace', 'labels', 'annotations'])

/** Keys that carry what the tenant wrote, under a name that nothing of super's goes by. */
const carrying = /^(ns\.berth\.dev\/|downward\.berth\.dev\/|berth\.dev\/(labels|annotations|service-account|keys)$)/

const metadataFaults = (
  { metadata }: KubeObject,
  { of, ctx, kind, namespaced }: { of: KubeObject; ctx: SyncContext; kind: HostileKind; namespaced: boolean },
): readonly string[] => {
  const { labels = {}, annotations = {}, name = '', namespace } = metadata
  const wanted = superNamespace(ctx.tenant, namespaced ? (of.metadata.namespace ?? '') : (of.metadata.name ?? ''))
  const foreign = (what: string, map: Map, asked: Map | undefined, passing: RegExp | undefined): string[] =>
    Object.entries(map).flatMap(([key, value]) => {
      if (!isBerthKey(key)) return passing?.test(key) ? [] : [`${what} ${key}`]
      if (key === tenantLabel && what === 'label') return value === ctx.tenant.uid ? [] : [`label ${key}: ${value}`]
      const isOurs = kind.marks?.test(key) || (what === 'annotation' && commonMarks.test(key))
      const isForged = value.includes(forged) && !carrying.test(key)
      return isOurs && !isForged ? [] : [`${what} ${key}: ${value}, asked for ${asked?.[key]}`]
    })
  return [
    ...Object.keys(metadata).flatMap((field) => (ownMetadata.has(field) ? [] : [`metadata.${field}`])),
    ...(namespaced ? (namespace === wanted ? [] : [`namespace ${namespace}`]) : []),
    ...(namespaced ? [] : name === wanted && namespace === undefined ? [] : [`name ${name} in ${namespace}`]),
    ...(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name) && name.length <= 253
      ? []
      : [`illegal name ${name}`]),
    ...(labels[tenantLabel] === ctx.tenant.uid ? [] : ['no label of the tenant']),
    ...(annotations['berth.dev/name'] === of.metadata.name && annotations['berth.dev/uid'] === of.metadata.uid
      ? []
      : ['no marks of the tenant object']),
    ...foreign('label', labels, of.metadata.labels, kind.labels),
    ...foreign('annotation', annotations, of.metadata.annotations, kind.annotations),
  ]
}

/** Fields that name a Secret or ConfigMap: the name itself, or an object or a list of objects with it. */
const configField =
  /^(secret|secretName|configMap|secretRef|configMapRef|\w+KeyRef|nodePublishSecretRef|imagePullSecrets|\w*[cC]ertificateRefs?)$/
const classField =
  /^(storageClassName|ingressClassName|volumeAttributesClassName|gatewayClassName|volumeSnapshotClassName|runtimeClassName|priorityClassName)$/
/** Maps of the tenant's own words. */
const wordMap =
  /^(matchLabels|selector|labels|annotations|nodeSelector|limits|requests|options|data|binaryData|userAnnotations|volumeAttributes)$/

const namesIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(namesIn)
  const { name, secretName } = (value ?? {}) as { readonly name?: unknown; readonly secretName?: unknown }
  return [name, secretName].filter((each) => typeof each === 'string')
}

const ownPeersKept = new WeakMap<SyncContext, ReadonlySet<string>>()

/** Peers of Berth's own policies: among them such as the operator lets through to every tenant. */
const ownPeers = (ctx: SyncContext): ReadonlySet<string> => {
  const known = ownPeersKept.get(ctx)
  if (known) return known
  const peers = (['ingress', 'egress'] as const).flatMap((direction) => basePeers(direction, ctx))
  const made = new Set(peers.map((peer) => JSON.stringify(peer)))
  ownPeersKept.set(ctx, made)
  return made
}

/** Every reference below `value` to what is not the tenant's: namespaces, Secrets and ConfigMaps of super's and Berth's own, classes by other names. */
const referenceFaults = (value: unknown, of: KubeObject, ctx: SyncContext): readonly string[] => {
  const namespaces = new Set(namespaceNames.map((namespace) => superNamespace(ctx.tenant, namespace)))
  const { name = '', uid = '' } = of.metadata
  const ownSecrets = podSecretKinds.map((kind) => podSecretName(name, uid, kind))
  const isReserved = (config: string): boolean =>
    config === rootCaConfigMap ||
    (config.endsWith('.berth') && !/\.(berth|crt)\.berth$/.test(config) && !ownSecrets.includes(config))
  const allowed = of.kind === 'NetworkPolicy' ? ownPeers(ctx) : undefined
  const faults = (inner: unknown): readonly string[] => {
    if (Array.isArray(inner)) return inner.flatMap(faults)
    if (typeof inner !== 'object' || inner === null || allowed?.has(JSON.stringify(inner))) return []
    return Object.entries(inner).flatMap(([field, held]) => {
      if (held === undefined || held === null) return []
      if (/^(namespaces?|endpointsNamespace)$/.test(field) && [held].flat().every((each) => typeof each === 'string'))
        return [held].flat().flatMap((each) => (namespaces.has(String(each)) ? [] : [`${field}: ${String(each)}`]))
      if (field === 'namespaceSelector')
        return (held as { matchLabels?: Map }).matchLabels?.[tenantLabel] === ctx.tenant.uid
          ? []
          : ['a selector of any namespace']
      if (classField.test(field)) return held === '' || held === `super-${offeredClass}` ? [] : [`${field}: ${String(held)}`]
      if (wordMap.test(field) && !Array.isArray(held)) return []
      const reserved = configField.test(field) ? namesIn(held).filter(isReserved) : []
      return [...reserved.map((config) => `${field}: ${config}`), ...faults(held)]
    })
  }
  return faults(value)
}

/** What one kind may not say beside that. */
const kindFaults = ({ kind = '', spec = {}, endpoints = [] }: KubeObject, ctx: SyncContext): readonly unknown[] => {
  switch (kind) {
    case 'Pod':
      return [
        ...(spec.serviceAccountName === workloadServiceAccount && spec.automountServiceAccountToken === false
          ? []
          : ['an account']),
        ...(spec.nodeName === undefined ? [] : ['a node by name']),
      ]
    case 'Service':
      return [spec.clusterIP, ...(spec.clusterIPs ?? [])].filter(
        (address) => address && address !== 'None' && (!isInside(address, ctx.serviceSlices) || address === ctx.apiServerAddress),
      )
    case 'EndpointSlice':
      return (endpoints as readonly { addresses: readonly string[]; nodeName?: string }[]).flatMap(({ addresses, nodeName }) => [
        ...addresses.filter((address) => address !== freeAddress && address !== podAddress),
        ...(nodeName === undefined || nodeName === 'node-of-pod' ? [] : [nodeName]),
      ])
    case 'PersistentVolumeClaim':
      return spec.volumeName === undefined ? [] : ['a volume by name']
    case 'VolumeSnapshot':
      return spec.source?.volumeSnapshotContentName ? ['a content by name'] : []
    default:
      return []
  }
}

/** All that an object of super's has in it that does not come from its tenant alone, or reaches out of the tenant. Empty when it is as it should be. */
export const superFaults = (
  superObject: KubeObject,
  { of, ctx, kind, resource }: { of: KubeObject; ctx: SyncContext; kind: HostileKind; resource: SyncedResource },
): readonly string[] => {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...fields } = superObject
  const isKnown = resource.type.custom !== true || resource.type.group !== 'example.com'
  return [
    ...metadataFaults(superObject, { of, ctx, kind, namespaced: resource.type.namespaced }),
    ...('status' in fields ? ['a status'] : []),
    ...(kind.table ? fieldsNotDown(fields, kind.table) : []),
    ...(isKnown ? referenceFaults(fields, of, ctx) : []),
    ...kindFaults(superObject, ctx).map(String),
  ]
}
