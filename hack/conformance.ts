import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import versions from '../images/versions.json' with { type: 'json' }
import { commandLine } from './command-line.ts'
import { withSection } from './conformance/report.ts'
import { conformanceLines, conformanceSection, runConformance } from './conformance/run.ts'
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
  --resume          take the tenant's results of the last run and go on from there
  --report PATH     write the comparison there, as Markdown; sections of other runs stay
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
    resume: { type: 'boolean', default: false },
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

const side = (): 'tenant' | 'super' | undefined => {
  const { only } = values
  if (only === undefined || only === 'tenant' || only === 'super') return only
  throw new Error(`--only is "${only}": it may be tenant or super`)
}

const shardOption = (): { index: number; count: number } | undefined => {
  if (values.shard === undefined) return undefined
  const [, index = 0, count = 0] = /^(\d+)\/(\d+)$/.exec(values.shard)?.map(Number) ?? []
  if (index < 1 || index > count) throw new Error(`--shard is "${values.shard}": it must be like 1/4`)
  return { index, count }
}

const conformance = async (): Promise<void> => {
  const began = Date.now()
  const { name, version, focus, skip, title, report } = values
  const only = side()
  const shard = shardOption()
  const comparison = await runConformance(
    {
      name,
      version,
      focus,
      ...(skip !== undefined && { skip }),
      ...(shard && { shard }),
      procs: wholeNumber('procs'),
      timeoutMs: wholeNumber('minutes') * 60_000,
      ...(only && { only }),
      install: !values['no-install'],
      resume: values.resume,
    },
    printProgress(began),
  )
  if (only) return
  for (const line of conformanceLines(comparison)) console.log(line)
  if (report !== undefined) {
    await mkdir(dirname(report), { recursive: true })
    const minutes = Math.round((Date.now() - began) / 60_000)
    const before = await readFile(report, 'utf8').catch(() => undefined)
    await writeFile(report, withSection(before, await conformanceSection(comparison, { title, version, minutes })))
  }
  if (comparison.worse.length + comparison.unknown.length > 0 || comparison.specs.length === 0) process.exitCode = 1
}

await commandLine(async () => (values.help ? console.log(usage) : conformance()))
