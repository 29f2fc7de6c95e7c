import { apply } from '../support/kubectl.ts'
import { idle, pod, shell } from '../support/objects.ts'
import { waitFor } from '../support/wait.ts'
import type { Ground } from './ground.ts'

/** The neighbour makes a pod in its namespace `other` while an attack lasts. Says in how many seconds it ran; throws after 90. */
export const neighbourPod = async ({ neighbour }: Ground): Promise<string> => {
  const began = performance.now()
  await apply(neighbour.kubectl, pod('other', 'late', shell(idle)))
  await waitFor(
    "the neighbour's new pod",
    () =>
      neighbour
        .kubectl(['get', 'pod', 'late', '-n', 'other', '-o', 'jsonpath={.status.containerStatuses[0].ready}'])
        .then((ready) => ready === 'true'),
    { deadlineMs: 90_000 },
  )
  await neighbour.kubectl(['delete', 'pod', 'late', '-n', 'other', '--now'], { timeoutMs: 60_000 })
  return `the neighbour's pod ran (${((performance.now() - began) / 1000).toFixed(1)} s)`
}
