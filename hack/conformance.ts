import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import versions from '../images/versions.json' with { type: 'json' }
import { ensureBinaries } from './binaries.ts'
import { cacheDir } from './cache.ts'
import { ensureCluster, loadImages } from './cluster/index.ts'
import { commandLine } from './command-line.ts'
import { compare } from './conformance/compare.ts'
import { type GinkgoRun, listSpecs, runGinkgo } from './conformance/ginkgo.ts'
import { type Cause, section } from './conformance/report.ts'
import { exactly, type SpecResult, shardOf } from './conformance/specs.ts'
import { ensureTenant } from './conformance/tenant.ts'
import { conformanceImages } from './images/conformance-images.ts'
import { installBerth } from './install/index.ts'
import { printProgress } from './progress.ts'

const usage = `Usage: node hack/conformance.ts [options]

Runs the tests of Kubernetes (e2e.test ${versions.kubernetes['1.37']}) in a tenant with default settings, then in the super cluster
whatever did not pass in the tenant, and compares. Exit code 1 when something passes in super only.

  --name NAME       local cluster (conformance)
  --version V       version of the tenant (${versions.kubernetes['1.37']}, ${versions.kubernetes['1.36']})
  --focus REGEXP    specs to run (\\[Conformance\\])
  --skip REGEXP     specs to leave out
  --shard I/N       only every Nth spec, from the Ith on
  --procs N         specs at the same time (8)
  --minutes N       end each of the two runs after this (240)
  --only SIDE       tenant or super: run there alone and compare nothing
  --no-install      Berth is there already
  --report PATH     write the comparison there, as Markdown
  --title TEXT      its headline`

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'conformance' },
    version: { type: 'string', default: versions.kubernetes['1.37'] },
    focus: { type: 'string', default: '\\[Conformance\\]' },
    skip: { type: 'string' },
    shard: { type: 'string' },
    procs: { type: 'string', default: '8' },
    minutes: { type: 'string', default: '240' },
    only: { type: 'string' },
    'no-install': { type: 'boolean', default: false },
    report: { type: 'string' },
    title: { type: 'string', default: '[Conformance]' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const wholeNumber = (option: 'procs' | 'minutes'): number => {
  const value = Number(values[option])
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${option} is "${values[option]}": it must be a whole number from 1 on`)
  return value
}

const tally = (results: readonly SpecResult[]): string =>
  (['passed', 'failed', 'skipped'] as const)
    .map((outcome) => `${results.filter((result) => result.outcome === outcome).length} ${outcome}`)
    .join(', ')

const conformance = async (): Promise<void> => {
  const began = Date.now()
  const progress = printProgress(began)
  const { name, version, only } = values
  if (only !== undefined && only !== 'tenant' && only !== 'super')
    throw new Error(`--only is "${only}": it may be tenant or super`)
  const procs = wholeNumber('procs')
  const timeoutMs = wholeNumber('minutes') * 60_000
  const programs = await ensureBinaries(['ginkgo', 'e2e.test', 'kubectl'], { progress })
  const cluster = await ensureCluster({ name, progress })
  progress('putting the images of the tests on the nodes')
  await loadImages(cluster, await conformanceImages(progress))

  const logDir = join(cacheDir(), 'conformance', name)
  const results = async (side: string, kubeconfig: string, what: Pick<GinkgoRun, 'focus' | 'skip'>): Promise<SpecResult[]> => {
    progress(`specs in ${side}`)
    const found = await runGinkgo(
      { programs, kubeconfig, procs, timeoutMs, logPath: join(logDir, `${side}.log`), ...what },
      (line) => progress(`${side}: ${line}`),
    )
    await mkdir(logDir, { recursive: true })
    await writeFile(join(logDir, `${side}.json`), JSON.stringify(found, undefined, 1))
    progress(`${side}: ${tally(found)}`)
    return found
  }
  const wanted = async (): Promise<Pick<GinkgoRun, 'focus' | 'skip'>> => {
    const { focus, skip, shard } = values
    const asked = { focus, ...(skip !== undefined && { skip }) }
    if (shard === undefined) return asked
    const [, index = 0, count = 0] = /^(\d+)\/(\d+)$/.exec(shard)?.map(Number) ?? []
    if (index < 1 || index > count) throw new Error(`--shard is "${shard}": it must be like 1/4`)
    const all = await listSpecs(programs, asked)
    return { focus: exactly(shardOf(all, { index, count })) }
  }

  const what = await wanted()
  if (only === 'super') {
    await results('super', cluster.kubeconfigPath, what)
    return
  }
  if (!values['no-install']) await installBerth(cluster, progress)
  const tenant = `conformance-${version.split('.')[1]}`
  const kubeconfig = await ensureTenant(cluster, { name: tenant, version }, progress)
  const inTenant = await results(tenant, kubeconfig, what)
  if (only === 'tenant') return
  const notPassed = inTenant.filter(({ outcome }) => outcome !== 'passed').map((spec) => spec.name)
  const inSuper = notPassed.length > 0 ? await results('super', cluster.kubeconfigPath, { focus: exactly(notPassed) }) : []
  const comparison = compare(inTenant, inSuper)
  for (const spec of comparison.worse) console.log(`passes in super only: ${spec.name}${spec.why ? `\n  ${spec.why}` : ''}`)
  console.log(
    `${comparison.passed} of ${inTenant.length} passed in the tenant, ${comparison.worse.length} in super only, ${comparison.neither.length} in neither`,
  )
  if (values.report !== undefined) {
    const causes = JSON.parse(await readFile(join(import.meta.dirname, 'conformance/causes.json'), 'utf8')) as Cause[]
    const facts = {
      title: values.title,
      superVersion: versions.kubernetes['1.37'],
      tenantVersion: version,
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} cores`,
      minutes: Math.round((Date.now() - began) / 60_000),
    }
    await mkdir(dirname(values.report), { recursive: true })
    await writeFile(values.report, section(facts, comparison, causes))
  }
  if (comparison.worse.length > 0 || inTenant.length === 0) process.exitCode = 1
}

await commandLine(async () => (values.help ? console.log(usage) : conformance()))
