import { Listr } from 'listr2'
import type { Progress } from '../progress.ts'

/** One step of the demo. `run` says on the way what goes on. */
export interface Phase {
  readonly title: string
  readonly run: (say: Progress) => Promise<void>
}

export interface PhaseTime {
  readonly title: string
  readonly seconds: number
}

/** Runs the phases one after the other: as a list that moves on a terminal, as plain lines anywhere else. Stops at the first that fails. */
export const runPhases = async (phases: readonly Phase[]): Promise<PhaseTime[]> => {
  const times: PhaseTime[] = []
  const list = new Listr(
    phases.map(({ title, run }) => ({
      title,
      task: async (_, task) => {
        const began = performance.now()
        await run((line) => {
          task.output = line
        })
        const seconds = (performance.now() - began) / 1000
        times.push({ title, seconds })
        task.title = `${title} (${seconds.toFixed(1)} s)`
      },
    })),
    {
      rendererOptions: { collapseErrors: false, showErrorMessage: false },
      fallbackRendererCondition: () => !process.stdout.isTTY,
      fallbackRenderer: 'simple',
    },
  )
  await list.run()
  return times
}
