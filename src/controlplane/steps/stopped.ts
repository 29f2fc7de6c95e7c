import type { KubeObject } from '../../apis/kube-object.ts'
import { hasEnded, podsOf } from '../diagnose.ts'
import { componentNames } from '../names.ts'
import type { Round } from '../steps.ts'

/** True of a pod that runs nothing any more, and is not about to go either. */
export const isOver = (pod: KubeObject): boolean => hasEnded(pod) && !pod.metadata.deletionTimestamp

const kindOf = (component: string): string => (component === componentNames.etcd ? 'StatefulSet' : 'Deployment')

/** No pod of these components is there, and none comes: the controllers have heard that none is wanted. */
export const isStopped = ({ observed }: Pick<Round, 'observed'>, components: readonly string[]): boolean =>
  components.every((name) => {
    if (!podsOf(observed.pods, name).every(isOver)) return false
    const workload = observed.objects.get(`${kindOf(name)}/${name}`)
    if (!workload) return true
    const { metadata, spec, status } = workload
    if (metadata.deletionTimestamp) return false
    return spec?.replicas === 0 && (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) && !status?.replicas
  })
