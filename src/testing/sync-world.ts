import type { KubeObject } from '../apis/kube-object.ts'
import { fencesOf } from '../syncer/network/fences.ts'
import type { SyncedResource } from '../syncer/resource.ts'
import { syncedResources } from '../syncer/resources/index.ts'
import { mirroredByPlural } from '../syncer/resources/mirrored.ts'
import { tenantNode } from '../syncer/resources/nodes.ts'
import { tenantPersistentVolume } from '../syncer/resources/persistent-volumes.ts'
import { tokenSources } from '../syncer/resources/pods.ts'
import { wantedObject } from '../syncer/super-object.ts'
import { namespaceFittings } from '../syncer/sync-namespace.ts'
import { agentPort } from '../tenancy/agent-port.ts'
import { mirroredLabel, renewAtAnnotation, tenantLabel } from '../tenancy/marks.ts'
import { superNamespace, tokenSecretName } from '../tenancy/names.ts'
import { aSyncContext } from './sync-builders.ts'

const ctx = aSyncContext()
/** The moment at which the two sides agree, in milliseconds since the epoch. */
export const worldTime = Date.parse('2026-11-21T08:00:00Z')
const superShop = superNamespace(ctx.tenant, 'shop')

/** Objects of one side by plural of the resource. */
export type Side = Record<string, KubeObject[]>
export interface World {
  tenant: Side
  superSide: Side
}

const kindOf = (plural: string): SyncedResource => {
  const resource = syncedResources.find(({ type }) => type.plural === plural)
  if (!resource) throw new Error(`no kind ${plural}`)
  return resource
}

/** What the syncer makes of a tenant object in super, with the UID that super gave it. */
export const down = (plural: string, object: KubeObject, more: Partial<KubeObject> = {}): KubeObject => {
  const wanted = wantedObject(kindOf(plural), object, ctx)
  if (wanted.kind !== 'object') throw new Error(`${plural} ${object.metadata.name} is ${JSON.stringify(wanted)}`)
  return {
    ...structuredClone(wanted.object),
    ...more,
    metadata: { ...wanted.object.metadata, uid: `super-${object.metadata.uid}` },
  }
}

/** What a tenant that sees it all sees of an object of super. */
const copyOf = (plural: string, superObject: KubeObject): KubeObject => {
  const view = { classes: ctx.classes, hasNode: () => true, drivers: () => new Set<string>(), hasOwnDefaultPriority: () => false }
  const copy = mirroredByPlural.get(plural)?.toTenant(superObject, view)
  if (!copy) throw new Error(`no copy of ${plural} ${superObject.metadata.name}`)
  return copy
}

const meta = (name: string, uid: string, namespace?: string) => ({
  name,
  uid,
  resourceVersion: '1',
  ...(namespace && { namespace }),
})

/** Two sides that agree in every kind. */
export const aWorld = (): World => {
  const superNode: KubeObject = {
    metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } },
    spec: {},
    status: { capacity: { cpu: '2' }, addresses: [{ type: 'InternalIP', address: '10.0.0.1' }], conditions: [] },
  }
  const mirrored = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, [mirroredLabel]: 'true' } },
  })
  const namespace: KubeObject = { metadata: meta('shop', 'ns-1'), spec: {}, status: { phase: 'Active' } }
  const used: KubeObject = { metadata: meta('used', 'cm-1', 'shop'), data: { a: '1' } }
  const unused: KubeObject = { metadata: meta('unused', 'cm-2', 'shop'), data: { a: '1' } }
  const secret: KubeObject = { metadata: meta('password', 'se-1', 'shop'), type: 'Opaque', data: { a: 'MQ==' } }
  const superClass: KubeObject = { metadata: { name: 'standard' }, provisioner: 'p', volumeBindingMode: 'Immediate' }
  const service: KubeObject = {
    metadata: meta('web', 'svc-1', 'shop'),
    spec: {
      type: 'ClusterIP',
      clusterIP: ctx.apiServerAddress.replace(/\d+$/, '77'),
      clusterIPs: [ctx.apiServerAddress.replace(/\d+$/, '77')],
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      selector: { app: 'web' },
    },
    status: { loadBalancer: {} },
  }
  const capacity = { storage: '1Gi' }
  const claimStatus = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity }
  const claim: KubeObject = {
    metadata: { ...meta('data', 'pvc-1', 'shop'), annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: capacity }, storageClassName: 'standard', volumeName: 'pv-1' },
    status: claimStatus,
  }
  const pod: KubeObject = {
    metadata: meta('web-0', 'pod-1', 'shop'),
    spec: {
      serviceAccountName: 'default',
      nodeName: 'n1',
      containers: [
        {
          name: 'main',
          image: 'web',
          env: [
            { name: 'A', valueFrom: { configMapKeyRef: { name: 'used', key: 'a' } } },
            { name: 'P', valueFrom: { secretKeyRef: { name: 'password', key: 'a' } } },
          ],
        },
      ],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] } },
      ],
    },
    status: { phase: 'Running', conditions: [{ type: 'PodScheduled', status: 'True' }] },
  }
  const superPod = down('pods', pod)
  superPod.spec.nodeName = 'n1'
  superPod.status = structuredClone(pod.status)
  const superClaim = down('persistentvolumeclaims', claim, { status: claimStatus })
  superClaim.spec = { ...superClaim.spec, volumeName: 'pv-1' }
  const superVolume: KubeObject = {
    metadata: { name: 'pv-1' },
    spec: {
      capacity,
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'standard',
      csi: { driver: 'd', volumeHandle: 'h' },
      claimRef: { namespace: superShop, name: 'data', uid: superClaim.metadata.uid },
    },
    status: { phase: 'Bound' },
  }
  const tokens: KubeObject = {
    metadata: {
      ...meta(tokenSecretName('web-0', 'pod-1'), 'tok-1', superShop),
      labels: { [tenantLabel]: ctx.tenant.uid },
      annotations: {
        'berth.dev/namespace': 'shop',
        'berth.dev/name': 'web-0',
        'berth.dev/uid': 'pod-1',
        [renewAtAnnotation]: new Date(worldTime + 600_000).toISOString(),
      },
    },
    data: Object.fromEntries(tokenSources(pod).map(({ key }) => [key, 'dG9rZW4='])),
  }
  const fitting = (kind: string): KubeObject[] =>
    namespaceFittings(ctx, superShop)
      .filter((object) => object.kind === kind)
      .map((object) => structuredClone(object))
  return {
    tenant: {
      namespaces: [namespace],
      configmaps: [used, unused],
      secrets: [secret],
      services: [service],
      persistentvolumeclaims: [claim],
      pods: [pod],
      endpointslices: [],
      nodes: [mirrored(tenantNode(superNode, { agentPort }))],
      leases: [{ metadata: { name: 'n1' }, spec: { renewTime: new Date(worldTime - 30_000).toISOString() } }],
      persistentvolumes: [mirrored(tenantPersistentVolume(superVolume, { tenantClaim: claim, ctx }))],
      storageclasses: [mirrored(copyOf('storageclasses', superClass))],
    },
    superSide: {
      namespaces: [down('namespaces', namespace, { status: { phase: 'Active' } })],
      configmaps: [down('configmaps', used)],
      secrets: [down('secrets', secret), tokens],
      services: [down('services', service, { status: { loadBalancer: {} } })],
      persistentvolumeclaims: [superClaim],
      pods: [superPod],
      endpointslices: [
        {
          metadata: {
            ...meta('web-x', 'eps-1', superShop),
            labels: { [tenantLabel]: ctx.tenant.uid },
            ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'super-svc-1', controller: true }],
          },
        },
      ],
      nodes: [superNode, { metadata: { name: 'n2' }, spec: {}, status: {} }],
      persistentvolumes: [superVolume],
      storageclasses: [superClass],
      networkpolicies: fencesOf(ctx, superShop).map((fence) => structuredClone(fence)),
      rolebindings: fitting('RoleBinding'),
      serviceaccounts: fitting('ServiceAccount'),
    },
  }
}
