import type { KubeObject } from '../../apis/kube-object.ts'
import { kubeconfigSecretName } from '../../tenancy/names.ts'
import { coreDns, coreDnsConfig } from '../components/core-dns.ts'
import { exposureService } from '../components/exposure.ts'
import { namespaceObject, networkPolicies, resourceQuota } from '../components/isolation.ts'
import { apiServerService, kubeApiServer } from '../components/kube-apiserver.ts'
import { kubeControllerManager } from '../components/kube-controller-manager.ts'
import { notInForce } from '../components/not-in-force.ts'
import { metadataOf, type Plane } from '../components/plane.ts'
import { tenantRbac } from '../components/tenant-rbac.ts'
import { membersConfig } from '../data-stores/etcd.ts'
import { dataStores } from '../data-stores/index.ts'
import { tenantEndpoint } from '../endpoints.ts'
import { atZero } from '../steps/pause.ts'

/** Something that a spec makes, and where it is. */
export interface Made {
  readonly place: 'control plane' | 'tenant' | 'super'
  readonly object: KubeObject
}

/** The host that the kubeconfig will name beside the slice, as far as a spec says it. */
const hostText = ({ exposure }: Plane['spec']['apiServer']): string | undefined => {
  switch (exposure?.type) {
    case 'NodePort':
      return exposure.hostname ?? 'ADDRESS-OF-A-NODE'
    case 'LoadBalancer':
      return exposure.hostname ?? 'ADDRESS-OF-THE-LOAD-BALANCER'
    case 'ClusterIP':
    case undefined:
      return exposure?.hostname
  }
}

/** Where the kubeconfig will send people, as far as a spec says it. */
const wayText = (plane: Plane): string => {
  const { apiServer } = plane.spec
  const host = hostText(apiServer)
  const { type, port, nodePort = 'NODE-PORT' } = apiServer.exposure ?? {}
  return host === undefined ? tenantEndpoint(plane) : `https://${host}:${port ?? (type === 'NodePort' ? nodePort : 443)}`
}

/** Name of what is no object of its own. */
const ofTenant = 'of-the-tenant'

/** What is made of a spec and is no object that a component desires. */
const others = (plane: Plane): readonly Made[] => {
  const { spec, tenant } = plane
  const named = (kind: string, name: string, data: object): KubeObject => ({ apiVersion: '', kind, metadata: { name }, data })
  const host = hostText(spec.apiServer)
  return [
    {
      place: 'control plane',
      object: named('Certificate', 'kube-apiserver', {
        names: [...spec.apiServer.extraSANs, ...(host === undefined ? [] : [host])].toSorted(),
      }),
    },
    { place: 'control plane', object: named('Secret', kubeconfigSecretName(tenant.name), { server: wayText(plane) }) },
    { place: 'super', object: named('Syncer', ofTenant, { ...spec.sync, ...spec.isolation }) },
    { place: 'super', object: named('Slices', ofTenant, { most: spec.network.maxServiceSlices }) },
    { place: 'super', object: named('Pods', ofTenant, { asleep: spec.state === 'Hibernated' }) },
  ]
}

/**
 * All that a control plane consists of, in the order in which it comes into force: with the components' own functions, so that what is said of a change is what
 * is done. The same for a plane is always the same.
 */
export const madeOf = (plane: Plane): readonly Made[] => {
  const rests = plane.spec.state !== 'Running'
  const workloads = [
    ...(plane.spec.dataStore.kind === 'dedicated' ? [membersConfig(plane)] : []),
    ...dataStores[plane.spec.dataStore.kind].desired(plane),
    ...kubeApiServer.desired(plane),
    ...kubeControllerManager.desired(plane),
  ]
  const service = exposureService(plane)
  const { customKinds } = plane.spec.sync
  const inPlane = (object: KubeObject): Made => ({ place: 'control plane', object })
  const [certificate, kubeconfig, ...inSuper] = others(plane)
  return [
    inPlane(namespaceObject(plane)),
    ...networkPolicies(plane, plane.spec.dataStore.kind === 'dedicated' ? { kind: 'own' } : { kind: 'remote', peers: [] }).map(
      inPlane,
    ),
    inPlane(apiServerService(plane)),
    ...(certificate ? [certificate] : []),
    ...workloads.map((object) => inPlane(rests ? atZero(object) : object)),
    inPlane({ ...resourceQuota(plane), metadata: metadataOf(plane, 'control-plane') }),
    ...(service ? [inPlane(service)] : []),
    ...(kubeconfig ? [kubeconfig] : []),
    ...[...tenantRbac(customKinds), ...notInForce(plane), coreDnsConfig(plane), ...coreDns(plane)].map(
      (object): Made => ({ place: 'tenant', object }),
    ),
    ...inSuper,
  ]
}
