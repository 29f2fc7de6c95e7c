import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import { controlPlaneLabel } from '../../tenancy/marks.ts'
import { firstSliceOf, slicesOf } from '../../tenancy/slices.ts'
import { allOf, applyUnlessCovered, applyWanted, hashOf, isApplied } from '../apply.ts'
import { exposureService } from '../components/exposure.ts'
import { namespaceObject, networkPolicies } from '../components/isolation.ts'
import { apiServerService } from '../components/kube-apiserver.ts'
import { metadataOf, type Plane, type RootsHashes, type Storage } from '../components/plane.ts'
import { superDoorService } from '../components/super-door.ts'
import { disksIn, smallestSize, templateSize } from '../data-stores/disk-plan.ts'
import { notedPlan } from '../data-stores/store-plan.ts'
import type { Deps } from '../deps.ts'
import { hasReadyPod, podsOf } from '../diagnose.ts'
import { certificateNames, hostOf, type WayIn, wayIn } from '../exposure/way-in.ts'
import { componentNames, etcdMembersConfig, fieldManager, secretNames } from '../names.ts'
import { type Observed, objectId, planePlaceOf, refOf } from '../observe.ts'
import { isWatchingClients } from '../pki/files.ts'
import type { SecretData } from '../pki/generations.ts'
import { consumerSecrets, missingRoots, type Roots, type Secrets, type StoreTrust } from '../pki/keys.ts'
import type { PkiInputs } from '../pki/plan.ts'
import { rootsHashes } from '../pki/roots-hashes.ts'
import type { RotationState } from '../rotation-state.ts'
import { silences } from '../super-cluster.ts'
import { rotateRoots } from './rotation.ts'

/** What all later steps stand on. */
export interface Foundation {
  readonly plane: Plane
  readonly roots: Roots
  readonly keys: Secrets
  /** What people are told of the rotation that is under way. */
  readonly rotation: RotationState | undefined
  readonly way: WayIn
}

/** How people come to the API server, and the names that its certificate needs for that. */
const wayOf = (
  tenant: TenantControlPlane,
  place: Pick<Plane, 'tenant' | 'namespace' | 'slice' | 'isApart'>,
  { observed, nodes }: { readonly observed: Observed; readonly nodes: readonly KubeObject[] },
): { readonly way: WayIn; readonly names: readonly string[] } => {
  const wanted = exposureService({ ...place, spec: tenant.spec })
  const live = wanted && observed.objects.get(objectId(wanted))
  const input = {
    exposure: tenant.spec.apiServer.exposure,
    ...place,
    uid: place.tenant.uid,
    service: wanted && isApplied(wanted, live) ? live : undefined,
    nodes,
    published: hostOf(tenant.status?.endpoint),
  }
  const way = wayIn(input)
  return { way, names: certificateNames(way, input) }
}

const secretObject = (plane: Pick<Plane, 'tenant' | 'namespace'>, name: string, data: SecretData): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadataOf(plane, name),
  type: 'Opaque',
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
})

const isDefaultClass = ({ metadata }: KubeObject): boolean =>
  metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true'

/** Where the volumes of a data store are never changes: once it is there, it says itself. Its volumes do so too while its StatefulSet is made anew. */
export const storageOf = (tenant: TenantControlPlane, observed: Pick<Observed, 'objects' | 'storageClasses'>): Storage => {
  if (tenant.spec.dataStore.kind !== 'dedicated') return { kind: 'elsewhere' }
  const className = tenant.spec.dataStore.storageClassName
  const live = observed.objects.get(`StatefulSet/${componentNames.etcd}`)
  const disks = disksIn(observed.objects.values())
  const claims = live
    ? (live.spec?.volumeClaimTemplates ?? []).length > 0
    : disks.length > 0 || className !== undefined || observed.storageClasses.some(isDefaultClass)
  if (!claims) return { kind: 'ephemeral' }
  const template = templateSize(live)
  return {
    kind: 'claim',
    ...(className !== undefined && { className }),
    ...(template !== undefined && { template }),
    smallest: smallestSize(disks, tenant.spec.dataStore.storageSize),
  }
}

const sameData = (a: SecretData | undefined, b: SecretData): boolean => a !== undefined && hashOf(a) === hashOf(b)

const storeTrustOf = ({ spec }: TenantControlPlane, { remoteStore }: Pick<Observed, 'remoteStore'>): StoreTrust =>
  spec.dataStore.kind === 'dedicated' ? { kind: 'own' } : (remoteStore?.access?.trust ?? { kind: 'kept' })

/** The authority of a data store that is not the tenant's own; undefined for one that is. */
const storeCaOf = (trust: StoreTrust, { secrets }: Pick<Observed, 'secrets'>): string | undefined => {
  switch (trust.kind) {
    case 'own':
      return undefined
    case 'shared':
    case 'given':
      return trust.ca
    case 'kept':
      return secrets.get(secretNames.kubeApiServer)?.['etcd-ca.crt'] ?? ''
  }
}

/** The policies to apply now: while nobody knows where a data store is, the way to it stays as it is. */
const fencesOf = (
  place: Parameters<typeof networkPolicies>[0],
  { spec }: TenantControlPlane,
  { remoteStore, objects }: Pick<Observed, 'remoteStore' | 'objects'>,
): readonly KubeObject[] => {
  if (spec.dataStore.kind === 'dedicated') return networkPolicies(place)
  const peers = remoteStore?.access?.peers
  const policies = networkPolicies(place, { kind: 'remote', peers: peers ?? [] })
  return policies.filter(
    (policy) => peers || policy.metadata.name !== componentNames.kubeApiServer || !objects.has(objectId(policy)),
  )
}

interface LaidKeys {
  readonly roots: Roots
  readonly consumers: Secrets
  readonly hashes: RootsHashes
  readonly rotation: RotationState | undefined
}

/** Every key of a tenant: roots are made once, and again when they are rotated; the rest is kept while it is good. */
const layKeys = async (
  tenant: TenantControlPlane,
  place: Pick<Plane, 'tenant' | 'namespace' | 'slice' | 'isApart' | 'hasServed'> & { readonly names: readonly string[] },
  observed: Observed,
  deps: Deps,
): Promise<LaidKeys> => {
  const { kube, signal, now, agentAuthorities } = deps
  const inputs: Omit<PkiInputs, 'storeSigner'> = {
    ...place,
    clusterDomain: tenant.spec.network.clusterDomain,
    extraSANs: [...tenant.spec.apiServer.extraSANs, ...place.names],
  }
  const { authorities, serviceAccountKeys } = tenant.spec.certificates
  const wanted = { authorities: authorities.generation, serviceAccountKeys: serviceAccountKeys.generation }
  const made = await missingRoots(observed.secrets, { tenant: place.tenant, wanted, now: now() })
  // Created, never applied: should another process have made one meanwhile, this round fails and the next one reads it.
  await allOf([...made].map(([name, data]) => kube.create(resourceTypes.secrets, secretObject(place, name, data), { signal })))
  const agent = agentAuthorities()
  const storeTrust = storeTrustOf(tenant, observed)
  const storeCa = storeCaOf(storeTrust, observed)
  const rotation = { tenant, place, observed, agentServingCert: agent.servingCert, storeCa }
  const { roots, state } = await rotateRoots(new Map([...observed.secrets, ...made]), rotation, deps)
  const consumers = await consumerSecrets({ inputs, roots, agent, storeTrust, existing: observed.secrets, now: now() })
  await allOf(
    [...consumers]
      .filter(([name, data]) => !sameData(observed.secrets.get(name), data))
      .map(([name, data]) =>
        kube.apply(resourceTypes.secrets, secretObject(place, name, data), { fieldManager, force: true, signal }),
      ),
  )
  return { roots, consumers, hashes: rootsHashes(roots, agent.servingCert, storeCa), rotation: state }
}

/**
 * The API server answers up to a second before super's probe has found it ready. Until that has happened once, the Service must go on sending it requests,
 * or a tenant that is usable would be cut off again. Once the Service goes by readiness, it does so for good.
 */
const isFirstStartOver = ({ status }: TenantControlPlane, { objects, pods }: Observed): boolean => {
  if (status?.version === undefined) return false
  const service = objects.get(`Service/${componentNames.kubeApiServer}`)
  return (service && !service.spec?.publishNotReadyAddresses) || hasReadyPod(podsOf(pods, componentNames.kubeApiServer))
}

/**
 * Where management is another cluster: the Service of super with the slice's first address. Laid before anything is signed for that address; once the control
 * plane has run, it waits for a super that is away.
 */
const claimInSuper = async (
  { status }: TenantControlPlane,
  place: Pick<Plane, 'tenant' | 'slice' | 'isApart'> & { readonly superTrouble?: string | undefined },
  { superCluster: { kube }, signal }: Deps,
): Promise<void> => {
  if (!place.isApart) return
  if (place.superTrouble !== undefined) {
    if (status?.version !== undefined) return
    throw new AppError('SUPER_UNREACHABLE', place.superTrouble, {})
  }
  const wanted = superDoorService(place)
  try {
    const live = await kube.get(resourceTypes.services, { name: '', ...wanted.metadata }, { signal, timeoutMs: 3000 })
    await applyUnlessCovered(wanted, live, { kube, signal })
  } catch (error) {
    // It went away since it was looked at: the next look tells.
    if (status?.version === undefined || !hasCode(error, ...silences)) throw error
  }
}

/** Namespace, policies, the claim on the slice's first address, and every key: in place before the first workload. */
export const layFoundation = async (
  tenant: TenantControlPlane,
  slice: string,
  observed: Observed,
  { superTrouble, ...deps }: Deps & { readonly superTrouble?: string | undefined },
): Promise<Foundation> => {
  const ref = refOf(tenant)
  const hasServed = isFirstStartOver(tenant, observed)
  const place = { tenant: ref, ...planePlaceOf(tenant), slice, hasServed, superPodCidrs: deps.superCluster.podCidrs }
  if (observed.namespace?.metadata.deletionTimestamp) {
    throw new AppError('KUBE_CONFLICT', `namespace ${place.namespace} is being deleted; it is made again when it is gone`, {})
  }
  if (observed.namespace && observed.namespace.metadata.labels?.[controlPlaneLabel] !== ref.uid) {
    throw new AppError('SUPER_OBJECT_FOREIGN', `namespace ${place.namespace} is not Berth's: delete or rename it`, {})
  }
  await applyWanted(namespaceObject(place), observed.namespace, deps)

  const fences = [...fencesOf(place, tenant, observed), apiServerService(place)].map((object) =>
    applyWanted(object, observed.objects.get(objectId(object)), deps),
  )
  const claimed = claimInSuper(tenant, { ...place, superTrouble }, deps)
  const { way, names } = wayOf(tenant, place, { observed, nodes: deps.nodes() })
  const laid = layKeys(tenant, { ...place, names }, observed, deps)
  await allOf<unknown>([...fences, claimed, laid])
  const { roots, consumers, hashes, rotation } = await laid
  const ipv6Slice = firstSliceOf(slicesOf(tenant.status), 'IPv6')
  const remote = observed.remoteStore?.access
  const sizes = tenant.status?.class?.sizes as Plane['sizes']
  const plane: Plane = {
    ...place,
    ...(ipv6Slice !== undefined && { ipv6Slice }),
    spec: tenant.spec,
    ...(sizes && { sizes }),
    storage: storageOf(tenant, observed),
    ...(remote && { remote: { endpoints: remote.endpoints, prefix: remote.prefix } }),
    store: notedPlan(tenant.spec, {
      config: observed.objects.get(`ConfigMap/${etcdMembersConfig}`),
      workload: observed.objects.get(`StatefulSet/${componentNames.etcd}`),
      claims: [...observed.objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim').length,
    }),
    registry: deps.registry,
    rootsHashes: hashes,
    watchesClients: isWatchingClients(roots),
  }
  return { plane, roots, keys: consumers, way, rotation }
}

/** The client certificate of the tenant's administrators. */
export const adminClient = (keys: Secrets): SecretData => keys.get(secretNames.admin) ?? {}
