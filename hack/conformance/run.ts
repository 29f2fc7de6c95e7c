import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import versions from '../../images/versions.json' with { type: 'json' }
import { ensureBinaries } from '../binaries.ts'
import { cacheDir } from '../cache.ts'
import { ensureCluster, loadImages } from '../cluster/index.ts'
import { conformanceImages } from '../images/conformance-images.ts'
import { installBerth } from '../install/index.ts'
import type { Progress } from '../progress.ts'
import { type Comparison, compare } from './compare.ts'
import { type GinkgoRun, listSpecs, runGinkgo } from './ginkgo.ts'
import { type Cause, section } from './report.ts'
import { exactly, type SpecResult, shardOf } from './specs.ts'
import { ensureTenant } from './tenant.ts'

export interface ConformanceOptions {
  /** Name of the local cluster. */
  readonly name: string
  /** Kubernetes version of the tenant. */
  readonly version: string
  /** Regular expressions on the full names of specs. */
  readonly focus: string
  readonly skip?: string
  readonly shard?: { readonly index: number; readonly count: number }
  /** Specs at the same time. */
  readonly procs: number
  /** The end of each of the two runs. */
  readonly timeoutMs: number
  /** Run there alone and compare nothing. */
  readonly only?: 'tenant' | 'super'
  /** Takes the tenant's results of the last run from the cache, and goes on from there. */
  readonly resume?: boolean
  /** Build and install Berth of these sources; without it what is there is used. */
  readonly install: boolean
  /** Ends the run. */
  readonly stop?: AbortSignal
}

const tally = (results: readonly SpecResult[]): string =>
  (['passed', 'failed', 'skipped'] as const)
    .map((outcome) => `${results.filter((result) => result.outcome === outcome).length} ${outcome}`)
    .join(', ')

/**
 * Runs specs of e2e.test in a tenant with default settings, then in the super cluster what did not pass in the tenant, and compares. Results and all
 * that was printed stay in the cache.
 */
export const runConformance = async (options: ConformanceOptions, progress: Progress): Promise<Comparison> => {
  const { name, version, focus, skip, shard, procs, timeoutMs, only, stop } = options
  const programs = await ensureBinaries(['ginkgo', 'e2e.test', 'kubectl'], { progress })
  const cluster = await ensureCluster({ name, progress })
  progress('putting the images of the tests on the nodes')
  await loadImages(cluster, await conformanceImages(progress))

  const logDir = join(cacheDir(), 'conformance', name)
  await mkdir(logDir, { recursive: true })
  const results = async (side: string, kubeconfig: string, what: Pick<GinkgoRun, 'focus' | 'skip'>): Promise<SpecResult[]> => {
    progress(`specs in ${side}`)
    const found = await runGinkgo(
      { programs, kubeconfig, procs, timeoutMs, logPath: join(logDir, `${side}.log`), ...what, ...(stop && { stop }) },
      (line) => progress(`${side}: ${line}`),
    )
    await writeFile(join(logDir, `${side}.json`), JSON.stringify(found, undefined, 1))
    progress(`${side}: ${tally(found)}`)
    return found
  }
  const asked = { focus, ...(skip !== undefined && { skip }) }
  const what = shard ? { focus: exactly(shardOf(await listSpecs(programs, asked), shard)) } : asked

  if (only === 'super') return compare([], await results('super', cluster.kubeconfigPath, what))
  if (options.install) await installBerth(cluster, progress)
  const tenant = `conformance-${version.split('.')[1]}`
  const kubeconfig = await ensureTenant(cluster, { name: tenant, spec: { version } }, progress)
  const inTenant = options.resume
    ? (JSON.parse(await readFile(join(logDir, `${tenant}.json`), 'utf8')) as SpecResult[])
    : await results(tenant, kubeconfig, what)
  const notPassed = inTenant.filter(({ outcome }) => outcome !== 'passed').map((spec) => spec.name)
  const inSuper =
    only === undefined && notPassed.length > 0
      ? await results('super', cluster.kubeconfigPath, { focus: exactly(notPassed) })
      : []
  const { worse } = compare(inTenant, inSuper)
  if (worse.length === 0) return compare(inTenant, inSuper)
  // Tells what the default isolation refuses from what is not there.
  const freer = `${tenant}-privileged`
  const freerKubeconfig = await ensureTenant(
    cluster,
    { name: freer, spec: { version, isolation: { podSecurity: 'privileged' } } },
    progress,
  )
  const inFreer = await results(freer, freerKubeconfig, { focus: exactly(worse.map((spec) => spec.name)) })
  return compare(inTenant, inSuper, inFreer)
}

/** What the comparison says, for a terminal: each spec that only super passes, then the sum. */
export const conformanceLines = ({ specs, worse, neither, unknown, passed }: Comparison): string[] => [
  ...worse.flatMap(({ name, why, privileged }) => [
    `passes in super only${privileged === 'passed' ? ' and in a privileged tenant' : ''}: ${name}`,
    ...(why ? [`  ${why}`] : []),
  ]),
  `${passed} of ${specs.length} passed in the tenant, ${worse.length} in super only, ${neither.length} in neither${unknown.length > 0 ? `, ${unknown.length} not reached in super` : ''}`,
]

/** The comparison as a section of docs/conformance.md. */
export const conformanceSection = async (
  comparison: Comparison,
  { title, version, minutes }: { readonly title: string; readonly version: string; readonly minutes: number },
): Promise<string> => {
  const causes = JSON.parse(await readFile(join(import.meta.dirname, 'causes.json'), 'utf8')) as Cause[]
  const facts = {
    title,
    superVersion: versions.kubernetes['1.37'],
    tenantVersion: version,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores`,
    minutes,
  }
  return section(facts, comparison, causes)
}
