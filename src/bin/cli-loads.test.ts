import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

// Each module that is loaded costs a start its time. No clock here: what is loaded is what is looked at.
const root = join(import.meta.dirname, '../..')
const program = join(import.meta.dirname, 'cli.ts')

const recorder = `
import { registerHooks } from 'node:module'
const loaded = new Set()
registerHooks({ load: (url, context, next) => { loaded.add(url); return next(url, context) } })
process.on('exit', () => process.stderr.write(JSON.stringify([...loaded])))`

/** Files of `src`, and names of packages, that a command line loads. */
const loadedBy = (
  ...args: readonly string[]
): Promise<{ readonly files: readonly string[]; readonly packages: readonly string[] }> =>
  new Promise((resolve, reject) => {
    const recording = `data:text/javascript,${encodeURIComponent(recorder)}`
    execFile(process.execPath, ['--import', recording, program, ...args], { cwd: root, timeout: 60_000 }, (error, _out, err) => {
      const listed = /\[.*\]$/.exec(err)?.[0]
      if (error?.killed || listed === undefined) reject(new Error(`no list of modules: ${err}`))
      const urls = JSON.parse(listed ?? '[]') as readonly string[]
      const below = urls.map((url) => url.replace(`${pathToFileURL(root).href}/`, ''))
      const packages = below.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
      resolve({ files: below.filter((path) => path.startsWith('src/')), packages: [...new Set(packages)].toSorted() })
    })
  })

const tree =
  /^src\/(bin\/cli|lib\/errors|isolation\/probe-image|jobs\/job-states|cli\/(called-as|exit-codes|interrupted|output-formats|printable|program|top-orders|tree\/[a-z-]+|completion\/shell-names))\.ts$/

test.for<[args: readonly string[], more: readonly string[]]>([
  [['--help'], []],
  [['--version'], []],
  [['tenant', 'create', '--help'], []],
  [['completion', 'bash'], ['scripts']],
  [
    ['__complete', '--', 'ten'],
    ['candidates', 'complete'],
  ],
])('%j loads the command tree, and only what it needs beside', async ([args, more]) => {
  const { files, packages } = await loadedBy(...args)
  expect(packages).toEqual(['commander'])
  expect(files).toContain('src/cli/program.ts')
  const beside = files.filter((path) => !tree.test(path)).toSorted()
  expect(beside).toEqual(more.map((name) => `src/cli/completion/${name}.ts`))
})

test('what talks to an API server loads no rules of manager and syncer, and no client of the official kind', async () => {
  const { files, packages } = await loadedBy('tenant', 'list', '--kubeconfig', '/nowhere')
  expect(packages).toContain('undici')
  expect(packages).not.toContain('@kubernetes/client-node')
  expect(files.filter((path) => /^src\/(controlplane|syncer|runtime|vn-agent)\//.test(path))).toEqual([])
})
