import { describe, expect, test } from 'vitest'
import { commandTree } from '../program.ts'
import { placeOf, type Wanted } from './candidates.ts'

const program = commandTree({ run: async () => {} }, { version: '1' })
const wantedOf = (line: string): Wanted => placeOf(program, line.split(' ')).wanted
const wordsOf = (line: string): readonly string[] => {
  const wanted = wantedOf(line)
  return wanted.kind === 'choices' ? wanted.choices.map(({ word }) => word) : []
}

describe('what a word may become', () => {
  test.for<[line: string, some: readonly string[]]>([
    ['', ['verify', 'tenant', 'completion']],
    ['ten', ['tenant']],
    ['tenant ', ['list', 'create', 'connect']],
    ['verify acme -o ', ['table', 'wide', 'json', 'yaml', 'name']],
    ['verify acme --output=', ['table', 'name']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['top --sort ', ['name', 'cpu', 'memory', 'pods', 'objects']],
    ['tenant create x --s', ['--set', '--size', '--state']],
  ])('%j: some of the words', ([line, some]) => {
    expect(wordsOf(line)).toEqual(expect.arrayContaining([...some]))
  })

  test.for<[line: string, wanted: Wanted]>([
    ['verify ', { kind: 'names', of: 'tenant' }],
    ['verify -n tenants ', { kind: 'names', of: 'tenant' }],
    ['verify --refused ', { kind: 'names', of: 'tenant' }],
    ['verify --namespace=tenants ', { kind: 'names', of: 'tenant' }],
    ['tenant ls --class ', { kind: 'names', of: 'class' }],
    ['restore acme ', { kind: 'names', of: 'snapshot' }],
    ['tenant upgrade acme ', { kind: 'names', of: 'version' }],
    ['explain object acme ', { kind: 'names', of: 'object' }],
    ['verify acme -n ', { kind: 'names', of: 'namespace' }],
    ['verify acme --kubeconfig ', { kind: 'files' }],
    ['explain change -f ', { kind: 'files' }],
    ['tenant connect acme -- kubectl ', { kind: 'files' }],
    ['tenant connect acme -- kubectl -', { kind: 'files' }],
    ['verify acme ', { kind: 'nothing' }],
    ['no-such-verb ', { kind: 'nothing' }],
  ])('%j', ([line, wanted]) => {
    expect(wantedOf(line)).toEqual(wanted)
  })

  test('no option twice, but for one that may be given several times', () => {
    expect(wordsOf('tenant create x --wait --set a=1 --')).not.toContain('--wait')
    expect(wordsOf('tenant create x --wait --set a=1 --')).toContain('--set')
  })

  test('never what is hidden', () => {
    expect(wordsOf('')).not.toContain('__complete')
  })
})

test('what was said before is known to who looks names up', () => {
  const { options, given, before } = placeOf(program, ['restore', '-n', 'tenants', '--context=c', 'acme', ''])
  expect({ options, given, before }).toEqual({
    options: { namespace: 'tenants', context: 'c' },
    given: { tenant: 'acme' },
    before: '',
  })
  expect(placeOf(program, ['verify', '--output=j']).before).toBe('--output=')
})

test('every name in a usage is one that is looked up, or known to be nobody else’s', () => {
  const free = new Set(['new-tenant', 'command', 'words', 'name', 'labels', 'seconds', 'count', 'path=value', 'file', 'url'])
  // Looked up by nobody yet: few people write these, and scripts do.
  for (const name of ['job', 'key', 'new-key', 'organization', 'list', 'days', 'reference', 'registry', 'image']) free.add(name)
  const known = new Set(['tenant', 'class', 'namespace', 'snapshot', 'context', 'version', 'size', 'state', 'object', 'check'])
  const unknown: string[] = []
  const walk = (command: typeof program): void => {
    const args = command.registeredArguments.filter(({ argChoices }) => !argChoices).map((argument) => argument.name())
    const values = command.options.filter(({ argChoices, required, optional }) => !argChoices && (required || optional))
    const names = values.map(({ flags }) => /[<[](.+?)[\]>]/.exec(flags)?.[1] ?? '')
    unknown.push(...[...args, ...names].filter((name) => !free.has(name) && !known.has(name)))
    command.commands.forEach(walk)
  }
  walk(program)
  expect(unknown).toEqual([])
})
