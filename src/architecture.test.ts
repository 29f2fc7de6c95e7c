import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Top to bottom. A folder imports itself and lower rows, never a neighbour. */
const rows = [
  ['bin'],
  ['api', 'cli', 'controlplane', 'syncer', 'vn-agent', 'worker'],
  ['jobs', 'snapshots', 'access', 'usage', 'isolation'],
  ['runtime'],
  ['kube'],
  ['tenancy'],
  ['apis'],
  ['lib', 'client'],
]
const rowOf = (folder: string): number => rows.findIndex((row) => row.includes(folder))

/** Rules and words: no I/O, so that a table of data tests them whole. */
const pure = ['apis/', 'tenancy/', 'syncer/resources/', 'syncer/pods/', 'controlplane/components/']
/** What a pure file may import of Node: a hash, and only where names or fingerprints are made. */
const pureMayImport = new Set(['tenancy/names.ts node:crypto'])

interface SourceFile {
  readonly path: string
  readonly folder: string
  readonly isTest: boolean
  readonly text: string
  /** As written. */
  readonly imports: readonly string[]
}

const importPattern = /(?:^|[\s;])(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

const files: readonly SourceFile[] = globSync('**/*.ts', { cwd: import.meta.dirname })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.includes('/'))
  .map((path) => {
    const text = readFileSync(join(import.meta.dirname, path), 'utf8')
    return {
      path,
      text,
      folder: path.split('/', 1)[0] ?? '',
      isTest: path.endsWith('.test.ts') || path.startsWith('testing/'),
      imports: [...text.matchAll(importPattern)].map(([, from, dynamic]) => from ?? dynamic ?? ''),
    }
  })

/** Folder under src that an import reaches; undefined for packages and what is outside of src. */
const folderOf = (file: SourceFile, specifier: string): string | undefined => {
  if (!specifier.startsWith('.')) return undefined
  const target = relative(import.meta.dirname, join(import.meta.dirname, dirname(file.path), specifier))
  return target.startsWith('..') ? undefined : target.split(sep, 1)[0]
}

describe('architecture', () => {
  test('sees the imports of this code base', () => {
    expect(files.length).toBeGreaterThan(20)
    const client = files.find(({ path }) => path === 'kube/undici-client.ts')
    expect(client?.imports).toContain('../apis/kube-object.ts')
    const kubeconfig = files.find(({ path }) => path === 'kube/kubeconfig.ts')
    expect(kubeconfig?.imports).toContain('@kubernetes/client-node')
  })

  test('every folder has its row', () => {
    const unknown = new Set(files.map(({ folder }) => folder).filter((folder) => folder !== 'testing' && rowOf(folder) === -1))
    expect([...unknown]).toEqual([])
  })

  test('a folder imports itself and lower rows, never a neighbour or what is above', () => {
    const wrong = files.flatMap((file) =>
      file.imports.flatMap((specifier) => {
        const target = folderOf(file, specifier)
        if (target === undefined || target === file.folder || file.folder === 'testing') return []
        if (target === 'testing') return file.isTest ? [] : [`${file.path} imports ${specifier}, which is for tests only`]
        return rowOf(target) > rowOf(file.folder) ? [] : [`${file.path} imports ${specifier}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  test('nothing that ships imports from outside of src', () => {
    const wrong = files
      .filter(({ isTest }) => !isTest)
      .flatMap((file) =>
        file.imports
          .filter((specifier) => specifier.startsWith('.') && folderOf(file, specifier) === undefined)
          .map((specifier) => `${file.path} imports ${specifier}`),
      )
    expect(wrong).toEqual([])
  })

  test('pure files do no I/O', () => {
    const wrong = files
      .filter(({ path, isTest }) => !isTest && pure.some((folder) => path.startsWith(folder)))
      .flatMap((file) =>
        file.imports
          .filter((specifier) => folderOf(file, specifier) === 'kube' || specifier.startsWith('node:') || specifier === 'undici')
          .map((specifier) => `${file.path} ${specifier}`)
          .filter((use) => !pureMayImport.has(use)),
      )
    expect(wrong).toEqual([])
  })

  test('the official client and undici are used in kube only', () => {
    const wrong = files
      .filter(({ folder, isTest, imports }) => folder !== 'kube' && !isTest && imports.some((name) => name === 'undici'))
      .concat(
        files.filter(({ folder, text }) => folder !== 'kube' && /import (?!type)[^;]*?'@kubernetes\/client-node'/.test(text)),
      )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('the environment is read in bin and in tests only', () => {
    const wrong = files.filter(({ folder, isTest, text }) => folder !== 'bin' && !isTest && /process\.env\b/.test(text))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('no file is over 350 lines', () => {
    // What a generator wrote is as long as what it was made of.
    const long = files.filter(
      ({ path, text, isTest }) => !isTest && !path.startsWith('client/generated/') && text.split('\n').length > 351,
    )
    expect(long.map(({ path }) => path)).toEqual([])
  })
})
