import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { downCluster } from './cluster/index.ts'
import { printProgress } from './progress.ts'
import { report, runStep, type Step, type StepResult, sourceSteps } from './steps.ts'

/** How many checks of a suite held and how many did not. */
interface Tally {
  readonly passed: number
  readonly failed: number
}

const clusterName = 'test'
const progress = printProgress()

const single = ({ ok }: StepResult): Tally => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 })

/** What vitest's JSON report says; a suite that broke without a failed test, or left none, counts as one failure. */
const fromReport = async (path: string, result: StepResult): Promise<Tally> => {
  const text = await readFile(path, 'utf8').catch(() => '{}')
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = JSON.parse(text) as {
    numPassedTests?: number
    numFailedTests?: number
  }
  return { passed, failed: !result.ok && failed === 0 ? 1 : failed }
}

const suite = async (project: string, dir: string): Promise<Tally> => {
  const path = join(dir, `${project}.json`)
  const step: Step = {
    name: project,
    command: ['vitest', 'run', '--project', project, '--reporter', 'default', '--reporter', 'json', `--outputFile.json=${path}`],
  }
  progress(`${project} tests`)
  const result = await runStep(step, { live: true, env: { BERTH_TEST_CLUSTER: clusterName } })
  return fromReport(path, result)
}

const main = async (dir: string): Promise<Tally> => {
  const tallies: Tally[] = []
  for (const step of [...sourceSteps, { name: 'generated', command: ['node', 'hack/generate.ts', '--check'] as const }]) {
    const result = await runStep(step)
    progress(report(result))
    tallies.push(single(result))
  }
  for (const project of ['unit', 'integration', 'cluster', 'e2e']) {
    const tally = await suite(project, dir)
    progress(`${project} tests: ${tally.passed} passed, ${tally.failed} failed`)
    tallies.push(tally)
  }
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: tallies.reduce((sum, { failed }) => sum + failed, 0),
  }
}

const dir = await mkdtemp(join(tmpdir(), 'berth-test-'))
let total: Tally = { passed: 0, failed: 1 }
try {
  total = await main(dir)
} catch (error) {
  console.error(error)
} finally {
  await rm(dir, { recursive: true, force: true })
  if (process.env['KEEP'] !== '1') {
    await downCluster({ name: clusterName, progress }).catch((error: unknown) => {
      console.error(error)
      total = { ...total, failed: total.failed + 1 }
    })
  }
}
process.exitCode = total.failed > 0 ? 1 : 0
console.log(`${total.passed} passed, ${total.failed} failed`)
