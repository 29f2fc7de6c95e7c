import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { storyPrograms } from '../e2e/programs.ts'
import { twoClusterNames } from '../e2e/two-cluster-names.ts'
import { ensureBinaries } from './binaries.ts'
import { downCluster, ensureCluster } from './cluster/index.ts'
import { chooseProvider } from './cluster/provider.ts'
import { installBerth } from './install/index.ts'
import { conformanceJobs, e2eJobs, runVitest, stories } from './lanes/jobs.ts'
import { laneClusters, laneCount, usualLanes } from './lanes/plan.ts'
import { runLanes } from './lanes/run.ts'
import { failureLines, nothing, oneFailed, onePassed, sum, type Tally, tallyWords } from './lanes/tally.ts'
import { printProgress } from './progress.ts'
import { report, runStep, sourceSteps } from './steps.ts'

/** One after the other, each with all of the machine. */
const plainSuites = ['source', 'unit', 'integration', 'cluster'] as const
/** In lanes, at once on clusters of their own: most of their time is waiting. In this order, as conformance leaves its tenants behind. */
const laneSuites = ['e2e', 'conformance'] as const
type PlainSuite = (typeof plainSuites)[number]

const testCluster = process.env['BERTH_TEST_CLUSTER'] || 'test'
const lanes = laneCount({
  asked: process.env['LANES'] || undefined,
  provider: await chooseProvider(),
  memoryGiB: totalmem() / 2 ** 30,
})
const progress = printProgress()

const source = async (stop: AbortSignal): Promise<Tally> => {
  const tallies: Tally[] = []
  for (const step of [...sourceSteps, { name: 'generated', command: ['node', 'hack/generate.ts', '--check'] as const }]) {
    const result = await runStep(step, { stop })
    progress(report(result))
    tallies.push(result.ok ? onePassed : oneFailed(`source: ${step.name}`))
  }
  return sum(tallies)
}

const runPlain = async (name: PlainSuite, dir: string, stop: AbortSignal): Promise<Tally> => {
  progress(`suite ${name}`)
  if (stop.aborted) return oneFailed(`${name}: not run`)
  return name === 'source' ? source(stop) : runVitest(name, { live: true, dir, stop })
}

/** Suites and single stories, as `e2e/access.e2e.ts`. */
type Wanted = (name: string) => boolean

const runInLanes = async (wanted: Wanted, dir: string, stop: AbortSignal): Promise<Readonly<Record<string, Tally>>> => {
  const options = { dir, progress, stop }
  const jobs = [...e2eJobs(options), ...conformanceJobs(options)].filter(({ name, suite }) => wanted(suite) || wanted(name))
  if (jobs.length === 0) return {}
  const clusters = laneClusters(testCluster, lanes)
  progress(`${jobs.length} jobs on ${clusters.join(' and ')}`)
  return runLanes(jobs, {
    clusters,
    prepare: async (name) => {
      const said = (line: string): void => progress(`lane ${name}: ${line}`)
      await installBerth(await ensureCluster({ name, progress: said }), said)
      // From nothing this takes minutes, of which a story would not say a word before it is over.
      await ensureBinaries(storyPrograms, { progress: said })
    },
    progress,
    stop,
  })
}

const runSuites = async (wanted: Wanted, stop: AbortSignal): Promise<Tally> => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-test-'))
  try {
    const counts: [suite: string, Tally][] = []
    for (const name of plainSuites.filter(wanted)) {
      const tally = await runPlain(name, dir, stop)
      progress(`suite ${name}: ${tallyWords(tally)}`)
      counts.push([name, tally])
    }
    const inLanes = Object.entries(await runInLanes(wanted, dir, stop))
    for (const [suite, tally] of [...counts, ...inLanes]) progress(`suite ${suite}: ${tallyWords(tally)}`)
    return sum([...counts, ...inLanes].map(([, tally]) => tally))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Takes the test clusters away, also those of a run that was killed; that this works is a check of its own. */
const tidyUp = async (): Promise<Tally> => {
  if (process.env['KEEP'] === '1') return nothing
  const ofLanes = laneClusters(testCluster, Math.max(lanes, usualLanes))
  const clusters = [...ofLanes, ...ofLanes.flatMap(twoClusterNames)]
  const tallies = await Promise.all(
    clusters.map((name) =>
      downCluster({ name, progress }).then(
        () => nothing,
        (error: unknown) => {
          console.error(error)
          return oneFailed(`taking cluster ${name} down`)
        },
      ),
    ),
  )
  return sum(tallies)
}

// A first Ctrl-C ends the suites and tidies up, a second one ends us.
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  })
}

const suites: readonly string[] = [...plainSuites, ...laneSuites]
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !suites.includes(name) && !stories().includes(name))
if (unknown.length > 0) throw new Error(`no suite ${unknown.join(', ')}: there are ${suites.join(', ')}, and files of e2e/`)
const total = sum([await runSuites((name) => wanted.length === 0 || wanted.includes(name), stop.signal), await tidyUp()])
process.exitCode = total.failed > 0 ? 1 : 0
for (const line of failureLines(total)) console.log(line)
console.log(tallyWords(total))
