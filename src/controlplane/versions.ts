import type { kubernetesVersions } from '../apis/tenant-control-plane.ts'

export type KubernetesVersion = (typeof kubernetesVersions)[number]

/** What goes with one Kubernetes minor. */
export interface VersionRecord {
  readonly version: KubernetesVersion
  readonly etcd: string
  readonly coreDns: string
  /**
   * Controllers that are off in a tenant because super does their work on the same objects, or because they would write to Nodes, which are copies
   * of super's. The taint eviction controller is on: a tenant may taint its Nodes (names as in cmd/kube-controller-manager/names).
   */
  readonly controllersOff: readonly string[]
}

const controllersOff = [
  'node-lifecycle-controller',
  'node-ipam-controller',
  'ttl-controller',
  'device-taint-eviction-controller',
  'persistentvolume-binder-controller',
  'persistentvolume-attach-detach-controller',
  'persistentvolume-expander-controller',
  'selinux-warning-controller',
] as const

const etcd = '3.7.3-0'
const coreDns = 'v1.15.0'

/** One record for each version that a tenant may run. */
export const versions = {
  'v1.37.1': { version: 'v1.37.1', etcd, coreDns, controllersOff },
  'v1.36.3': { version: 'v1.36.3', etcd, coreDns, controllersOff },
} as const satisfies Record<KubernetesVersion, VersionRecord>

/** Official image names; `registry` takes the place of `registry.k8s.io`. */
export const imagesOf = (version: KubernetesVersion, registry: string) => {
  const record: VersionRecord = versions[version]
  return {
    etcd: `${registry}/etcd:${record.etcd}`,
    kubeApiServer: `${registry}/kube-apiserver:${record.version}`,
    kubeControllerManager: `${registry}/kube-controller-manager:${record.version}`,
    coreDns: `${registry}/coredns/coredns:${record.coreDns}`,
  } as const
}

export const defaultRegistry = 'registry.k8s.io'
