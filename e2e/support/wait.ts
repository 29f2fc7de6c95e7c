import type { Kubectl } from '../../hack/cluster/kubectl.ts'
import { namespaceReport } from '../../hack/diagnosis.ts'
import { eventually } from '../../src/testing/eventually.ts'

interface WaitOptions {
  /** Default 60 s. */
  readonly deadlineMs?: number
  /** Default 300 ms: each look is a kubectl process. */
  readonly everyMs?: number
  /** What to show beside the last value when the time is over. */
  readonly report?: () => Promise<string>
}

/** Waits until `check` gives something truthy. @throws with what was seen last and the report. */
export const waitFor = async <T>(
  describe: string,
  check: () => T | Promise<T>,
  { deadlineMs = 60_000, everyMs = 300, report }: WaitOptions = {},
): Promise<NonNullable<T>> => {
  try {
    return await eventually(check, { describe, deadlineMs, everyMs })
  } catch (error) {
    if (!report) throw error
    throw new Error(`${(error as Error).message}\n${await report()}`, { cause: error })
  }
}

/** Waits with kubectl's own watch; on failure says how the namespace looks. `on` names objects and, for `wait`, their condition. */
export const waitIn = async (
  kubectl: Kubectl,
  namespace: string,
  args: readonly string[],
  deadlineMs = 90_000,
): Promise<void> => {
  try {
    await kubectl([...args, '-n', namespace, `--timeout=${deadlineMs / 1000}s`], { timeoutMs: deadlineMs + 10_000 })
  } catch (error) {
    throw new Error(`kubectl ${args.join(' ')}\n${await namespaceReport(kubectl, namespace)}`, { cause: error })
  }
}

/** Also of pods that a controller is only about to make: kubectl waits for a condition of what is there, and for nothing else. */
export const podReady = async (kubectl: Kubectl, namespace: string, ...names: readonly string[]): Promise<void> => {
  const pods = names.map((name) => `pod/${name}`)
  await waitIn(kubectl, namespace, ['wait', '--for=create', ...pods])
  await waitIn(kubectl, namespace, ['wait', '--for=condition=Ready', ...pods])
}

export const rolledOut = (kubectl: Kubectl, namespace: string, workload: string): Promise<void> =>
  waitIn(kubectl, namespace, ['rollout', 'status', workload])
