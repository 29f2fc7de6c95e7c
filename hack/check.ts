import { report, runStep, sourceSteps } from './steps.ts'

// All at once: they share no state, and the whole takes little longer than the slowest.
const steps = [...sourceSteps, { name: 'unit', command: ['vitest', 'run', '--project', 'unit'] as const }]
const results = await Promise.all(
  steps.map(async (step) => {
    const result = await runStep(step)
    console.log(report(result))
    return result
  }),
)
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1
