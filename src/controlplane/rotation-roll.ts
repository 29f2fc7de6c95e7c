import type { KubeObject } from '../apis/kube-object.ts'
import { type RootsHashes, rootsHashAnnotation, rootsHashOf } from './components/plane.ts'
import { hasEnded, isRolledOut, podsOf } from './diagnose.ts'
import { componentNames } from './names.ts'
import type { Observed } from './observe.ts'

/** How long after its time a pod that is being deleted is believed to run still: a kubelet that lives has killed it by then. */
const lateMs = 60_000

/** True for a pod whose processes may still run. Its deletionTimestamp is when its grace is over, not when the deletion began. */
const mayRun = (pod: KubeObject, now: Date): boolean => {
  const { deletionTimestamp } = pod.metadata
  const isLost = deletionTimestamp !== undefined && now.getTime() > Date.parse(deletionTimestamp) + lateMs
  return !hasEnded(pod) && !isLost
}

/**
 * True when each workload of a control plane was started with these roots, is ready, is not at zero, and no pod of before runs any more. A Deployment does not
 * count pods that are ending (`status.replicas`), while their API servers go on to serve who is connected: for seconds they sign tokens with the key of before,
 * and refuse who comes with a certificate that they do not know yet. A pod on a lost node is not waited for.
 */
export const isRolledOutWith = (
  hashes: RootsHashes,
  { objects, pods }: Pick<Observed, 'objects' | 'pods'>,
  { ownStore, now }: { readonly ownStore: boolean; readonly now: Date },
): boolean =>
  Object.values(componentNames).every((name) => {
    if (name === componentNames.etcd && !ownStore) return true
    const wanted = hashes[name]
    const workload = objects.get(`Deployment/${name}`) ?? objects.get(`StatefulSet/${name}`)
    return (
      rootsHashOf(workload) === wanted &&
      isRolledOut(workload) &&
      (workload?.spec?.replicas ?? 0) > 0 &&
      podsOf(pods, name).every((pod) => pod.metadata.annotations?.[rootsHashAnnotation] === wanted || !mayRun(pod, now))
    )
  })
