// Which right of Berth's accounts a test sees used: runs the integration tests and writes src/testing/rights-seen.json from the audit logs of their API servers.
// `node hack/rights.ts [file or folder ...]`: with these, only they are run. What others saw stays, as does what was seen before by tests that do not pass.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { runStep } from './steps.ts'

const root = join(import.meta.dirname, '..')
const recordPath = join(root, 'src/testing/rights-seen.json')
/** Account -> right -> the test file that sees it used. */
type Witnesses = Record<string, Record<string, string>>

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string }[]
}

const folder = await mkdtemp(join(tmpdir(), 'berth-rights-'))
try {
  const [seenFolder, reportPath] = [join(folder, 'seen'), join(folder, 'report.json')]
  await mkdir(seenFolder)
  const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${reportPath}`]
  const { ok } = await runStep(
    { name: 'integration tests', command: ['vitest', 'run', '--project', 'integration', ...reporters, ...process.argv.slice(2)] },
    { live: true, env: { BERTH_RIGHTS_SEEN: seenFolder } },
  )
  const { testResults } = JSON.parse(await readFile(reportPath, 'utf8')) as Report
  const passed = new Set(testResults.filter(({ status }) => status === 'passed').map(({ name }) => relative(root, name)))
  const old = JSON.parse(await readFile(recordPath, 'utf8').catch(() => '{}')) as Witnesses
  const texts = await Promise.all((await readdir(seenFolder)).map((name) => readFile(join(seenFolder, name), 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n').filter(Boolean))
  const kept = Object.entries(old).flatMap(([account, rights]) =>
    Object.entries(rights)
      .filter(([, test]) => !passed.has(test))
      .map(([right, test]) => [`${account} ${right}`, test] as const),
  )
  const seen = new Map<string, string>()
  const fresh = lines.map((line) => line.split('\t').toReversed() as [string, string]).filter(([, test]) => passed.has(test))
  const all = [...kept, ...fresh]
  // One witness is enough, always the same one.
  for (const [right, test] of all.toSorted(([a, x], [b, y]) => a.localeCompare(b) || x.localeCompare(y)))
    if (!seen.has(right)) seen.set(right, test)
  const record: Witnesses = {}
  for (const [key, test] of seen) {
    const [account = '', ...right] = key.split(' ')
    record[account] = { ...record[account], [right.join(' ')]: test }
  }
  await writeFile(recordPath, `${JSON.stringify(record, null, 2)}\n`)
  console.log(`${seen.size} rights seen used; ${passed.size} of ${testResults.length} files passed`)
  if (!ok) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
