import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { configurationPage, settingsOf } from './configuration-page.ts'
import { errorsPage } from './errors-page.ts'

const root = join(import.meta.dirname, '../..')

interface Container {
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string }[]
}
interface Workload {
  readonly kind?: string
  readonly spec?: { readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } } }
}

/** Processes that manifests start, each with the flags and the variables that it is given. */
const started = globSync('manifests/**/*.yaml', { cwd: root }).flatMap((path) =>
  parseAllDocuments(readFileSync(join(root, path), 'utf8')).flatMap((document) => {
    const { spec } = (document.toJS() ?? {}) as Workload
    return (spec?.template?.spec?.containers ?? []).flatMap(({ command = [], args = [], env = [] }) => {
      const words = [...command, ...args]
      const door = words.find((word) => /(^|\/)dist\/bin\/[a-z-]+\.js$/.test(word))
      if (door === undefined) return []
      const flags = words.flatMap((word) => /^--([a-z-]+)/.exec(word)?.[1] ?? [])
      return [{ path, process: basename(door, '.js'), flags, variables: env.map(({ name }) => name) }]
    })
  }),
)

describe('settings', () => {
  test('each process with settings is on the page', () => {
    const doors = globSync('src/bin/settings/*.ts', { cwd: root }).map((path) => basename(path, '.ts'))
    expect(Object.keys(settingsOf).toSorted()).toEqual(doors.filter((name) => name !== 'tracing').toSorted())
  })

  test('manifests start four processes or more', () => {
    expect(new Set(started.map(({ process }) => process)).size).toBeGreaterThanOrEqual(4)
  })

  test.for(started.map((each) => [`${each.process} of ${each.path}`, each] as const))(
    '%s is given only what it knows',
    ([, { process, flags, variables }]) => {
      const settings = Object.values(settingsOf[process] ?? {})
      expect(flags.filter((flag) => !settings.some((setting) => setting.flag === flag))).toEqual([])
      const berths = variables.filter((name) => name.startsWith('BERTH_'))
      expect(berths.filter((name) => !settings.some(({ env }) => env === name))).toEqual([])
    },
  )

  test('a default that differs from process to process is told in words', () => {
    expect(configurationPage('')).toContain('`manager-PID`')
    expect(configurationPage('')).not.toContain(`manager-${process.pid}`)
  })
})

test('a code has its status, its exit code and what to do in one row', () => {
  expect(errorsPage('')).toContain('| `TENANT_NOT_FOUND` | 404 | 3 | after a change | ')
})
