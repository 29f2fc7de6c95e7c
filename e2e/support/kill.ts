import { processesOfPod } from '../../hack/cluster/pod-processes.ts'
import { commandLineOf, isAlive, signal } from '../../hack/processes.ts'
import { listJson, superKubectl, world } from './kubectl.ts'
import { waitFor } from './wait.ts'

interface ContainerStatus {
  readonly ready: boolean
  readonly restartCount: number
}

const restartsOf = async (component: string): Promise<{ uid: string; name: string; restarts: number; ready: boolean }[]> => {
  const pods = await listJson(superKubectl, ['pods', '-n', 'berth-system'])
  return pods
    .filter(({ metadata }) => metadata.name.startsWith(`${component}-`))
    .map(({ metadata, status }) => {
      const [container] = (status?.['containerStatuses'] ?? []) as ContainerStatus[]
      return { uid: metadata.uid, name: metadata.name, restarts: container?.restartCount ?? 0, ready: container?.ready ?? false }
    })
}

/** Kills the process of every pod of a component with SIGKILL, from the outside, as a crash would; gives what waits until all came back. */
export const killComponent = async (component: string, words: string): Promise<() => Promise<void>> => {
  if (!world().isLocal) throw new Error('processes can only be killed in a local cluster')
  const before = await restartsOf(component)
  const victims = before.flatMap(({ uid }) => processesOfPod(uid)).filter((id) => commandLineOf(id).includes(words))
  if (victims.length === 0) throw new Error(`no process of ${component} was found`)
  for (const victim of victims) signal(victim, 'SIGKILL')
  await waitFor(`${component} dead`, () => !victims.some(isAlive), { deadlineMs: 10_000, everyMs: 10 })
  return async () => {
    await waitFor(
      `${component} back`,
      async () => {
        const now = await restartsOf(component)
        const back = before.every(({ uid, restarts }) =>
          now.some((pod) => pod.uid === uid && pod.ready && pod.restarts > restarts),
        )
        if (!back) throw new Error(JSON.stringify(now))
        return true
      },
      { deadlineMs: 90_000, everyMs: 500 },
    )
  }
}
