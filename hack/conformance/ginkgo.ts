import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import type { Progress } from '../progress.ts'
import { run } from '../run.ts'
import { type GinkgoReport, type SpecResult, specResults } from './specs.ts'

export interface Programs {
  readonly ginkgo: string
  readonly 'e2e.test': string
  readonly kubectl: string
}

export interface GinkgoRun {
  readonly programs: Programs
  readonly kubeconfig: string
  readonly focus: string
  readonly skip?: string
  /** Specs at the same time. Those marked as serial run alone, after the others. */
  readonly procs: number
  /** The whole run is ended after this. */
  readonly timeoutMs: number
  /** Everything that was printed goes here. */
  readonly logPath: string
  readonly stop?: AbortSignal
}

const sayEveryMs = 60_000

/** Runs specs of e2e.test against one cluster. A failed spec is a result; @throws when there is no report at all. */
export const runGinkgo = async (options: GinkgoRun, progress: Progress): Promise<SpecResult[]> => {
  const { programs, kubeconfig, focus, skip, procs, timeoutMs, logPath, stop } = options
  const dir = await mkdtemp(join(tmpdir(), 'berth-conformance-'))
  await mkdir(dirname(logPath), { recursive: true })
  const log = createWriteStream(logPath)
  // Left alone, e2e.test counts nodes in its first process only, and the others skip what needs two.
  const nodes = await run(programs.kubectl, ['--kubeconfig', kubeconfig, 'get', 'nodes', '-o', 'name'])
  let done = 0
  let failed = 0
  const timer = setInterval(() => progress(`${done} specs done, ${failed} failed`), sayEveryMs)
  try {
    const child = execa(
      programs.ginkgo,
      [
        `--procs=${procs}`,
        `--focus=${focus}`,
        ...(skip ? [`--skip=${skip}`] : []),
        `--timeout=${Math.floor(timeoutMs / 1000)}s`,
        '--no-color',
        '--silence-skips',
        '--output-dir=.',
        '--json-report=report.json',
        programs['e2e.test'],
        '--',
        `--kubeconfig=${kubeconfig}`,
        '--provider=skeleton',
        `--num-nodes=${nodes.trim().split('\n').length}`,
        `--kubectl-path=${programs.kubectl}`,
        `--report-dir=${dir}`,
        '--disable-log-dump=true',
      ],
      {
        cwd: dir,
        timeout: timeoutMs + 120_000,
        ...(stop && { cancelSignal: stop, killSignal: 'SIGINT' }),
        reject: false,
        stdin: 'ignore',
        buffer: false,
        env: { KUBECONFIG: kubeconfig },
      },
    )
    child.stdout.on('data', (chunk: Buffer) => {
      const text = chunk.toString()
      done += text.match(/^•/gm)?.length ?? 0
      failed += text.match(/^• \[(FAILED|TIMEDOUT|PANICKED)/gm)?.length ?? 0
    })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    const result = await child
    const report = await readFile(join(dir, 'report.json'), 'utf8').catch((cause: unknown) => {
      throw new Error(`ginkgo ended with ${result.exitCode ?? result.signal} and left no report: see ${logPath}`, { cause })
    })
    return specResults(JSON.parse(report) as GinkgoReport)
  } finally {
    clearInterval(timer)
    log.end()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Names of the specs that a focus means, without running them. */
export const listSpecs = async (
  programs: Pick<Programs, 'e2e.test'>,
  { focus, skip }: Pick<GinkgoRun, 'focus' | 'skip'>,
): Promise<string[]> => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-conformance-'))
  try {
    await execa(
      programs['e2e.test'],
      [
        '--ginkgo.dry-run',
        `--ginkgo.focus=${focus}`,
        ...(skip ? [`--ginkgo.skip=${skip}`] : []),
        '--ginkgo.json-report=report.json',
      ],
      { cwd: dir, timeout: 120_000, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    )
    return specResults(JSON.parse(await readFile(join(dir, 'report.json'), 'utf8')) as GinkgoReport).map(({ name }) => name)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
