import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubernetesVersions } from '../src/apis/tenant-control-plane.ts'
import { downCluster } from './cluster/index.ts'
import { conformanceLines, runConformance } from './conformance/run.ts'
import { subset } from './conformance/subset.ts'
import { printProgress } from './progress.ts'
import { report, runStep, type Step, type StepResult, sourceSteps } from './steps.ts'

/** How many checks held and how many did not. */
interface Tally {
  readonly passed: number
  readonly failed: number
}

const clusterName = 'test'
const allSuites = ['source', 'unit', 'integration', 'cluster', 'e2e', 'conformance'] as const

const single = ({ ok }: StepResult): Tally => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 })
const sum = (tallies: readonly Tally[]): Tally => ({
  passed: tallies.reduce((total, { passed }) => total + passed, 0),
  failed: tallies.reduce((total, { failed }) => total + failed, 0),
})

/** What vitest's JSON report says; a suite that broke without a failed test, or ran none, counts as one failure. */
const fromReport = async (path: string, { ok }: StepResult): Promise<Tally> => {
  const text = await readFile(path, 'utf8').catch(() => '{}')
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = JSON.parse(text) as {
    numPassedTests?: number
    numFailedTests?: number
  }
  return { passed, failed: (!ok || passed === 0) && failed === 0 ? 1 : failed }
}

const progress = printProgress()

const source = async (stop: AbortSignal): Promise<Tally> => {
  const tallies: Tally[] = []
  for (const step of [...sourceSteps, { name: 'generated', command: ['node', 'hack/generate.ts', '--check'] as const }]) {
    const result = await runStep(step, { stop })
    progress(report(result))
    tallies.push(single(result))
  }
  return sum(tallies)
}

const vitest = async (project: string, dir: string, stop: AbortSignal): Promise<Tally> => {
  const path = join(dir, `${project}.json`)
  const step: Step = {
    name: project,
    command: ['vitest', 'run', '--project', project, '--reporter', 'default', '--reporter', 'json', `--outputFile.json=${path}`],
  }
  return fromReport(path, await runStep(step, { live: true, stop, env: { BERTH_TEST_CLUSTER: clusterName } }))
}

/** Tests of Kubernetes in a tenant of each version served. Runs on the cluster, and with the Berth, of the suite before. */
const conformance = async (stop: AbortSignal): Promise<Tally> => {
  const tallies: Tally[] = []
  for (const version of kubernetesVersions) {
    try {
      const comparison = await runConformance({ ...subset(version), name: clusterName, version, install: true, stop }, progress)
      for (const line of conformanceLines(comparison)) progress(line)
      // A spec that finds that it cannot run here is neither.
      const failed = comparison.specs.filter((spec) => spec.tenant === 'failed').length
      tallies.push({ passed: comparison.passed, failed: comparison.passed === 0 ? Math.max(failed, 1) : failed })
    } catch (error) {
      console.error(error)
      tallies.push({ passed: 0, failed: 1 })
    }
  }
  return sum(tallies)
}

const runSuite = (name: string, dir: string, stop: AbortSignal): Promise<Tally> => {
  if (name === 'source') return source(stop)
  return name === 'conformance' ? conformance(stop) : vitest(name, dir, stop)
}

const runSuites = async (names: readonly string[], stop: AbortSignal): Promise<Tally> => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-test-'))
  try {
    const tallies: Tally[] = []
    for (const name of names) {
      progress(`suite ${name}`)
      const tally = stop.aborted ? { passed: 0, failed: 1 } : await runSuite(name, dir, stop)
      progress(`suite ${name}: ${tally.passed} passed, ${tally.failed} failed`)
      tallies.push(tally)
    }
    return sum(tallies)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Takes the test cluster away; that this works is a check of its own. */
const tidyUp = async (): Promise<Tally> => {
  if (process.env['KEEP'] === '1') return { passed: 0, failed: 0 }
  try {
    await downCluster({ name: clusterName, progress })
    return { passed: 0, failed: 0 }
  } catch (error) {
    console.error(error)
    return { passed: 0, failed: 1 }
  }
}

// A first Ctrl-C ends the suites and tidies up, a second one ends us.
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  })
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !allSuites.some((suite) => suite === name))
if (unknown.length > 0) throw new Error(`no suite ${unknown.join(', ')}: there are ${allSuites.join(', ')}`)
const total = sum([await runSuites(wanted.length > 0 ? wanted : allSuites, stop.signal), await tidyUp()])
process.exitCode = total.failed > 0 ? 1 : 0
console.log(`${total.passed} passed, ${total.failed} failed`)
