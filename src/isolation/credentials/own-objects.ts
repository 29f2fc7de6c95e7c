import type { KubeObject } from '../../apis/kube-object.ts'
import { componentLabel } from '../../tenancy/marks.ts'

/** What Berth writes for the pods of a component, and keeps as it wants it. */
const ofComponents: Readonly<Record<string, readonly string[]>> = {
  etcd: ['Secret etcd-keys', 'ConfigMap etcd-members'],
  'kube-apiserver': ['Secret kube-apiserver-keys', 'ConfigMap kube-apiserver-admission'],
  'kube-controller-manager': ['Secret kube-controller-manager-keys'],
}
const tasks: ReadonlySet<string> = new Set(['snapshot', 'restore', 'drill', 'move'])

/** `Secret name` and `ConfigMap name` of what Berth made for a pod of the control plane: its order, where it is one that does one thing. */
export const ownObjectsOf = ({ metadata }: KubeObject): readonly string[] => {
  const component = metadata.labels?.[componentLabel] ?? ''
  const job = metadata.labels?.['batch.kubernetes.io/job-name']
  return [
    ...(Object.hasOwn(ofComponents, component) ? (ofComponents[component] ?? []) : []),
    ...(tasks.has(component) && job !== undefined ? [`Secret ${job}`] : []),
  ]
}
