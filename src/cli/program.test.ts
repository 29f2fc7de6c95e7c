import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../lib/errors.ts'
import { contextNames, contextNamespace, kubeconfigPath } from './access.ts'
import { exitCodeMeanings, exitCodes, meaningText } from './exit-codes.ts'
import type { CliHost, VerifyInput, VerifyOutcome } from './host.ts'
import { Interrupted } from './interrupted.ts'
import { commandTree, runCli } from './program.ts'

const outcome: VerifyOutcome = {
  tenant: { uid: 'u', name: 'acme', namespace: 'default' },
  differences: [],
  moving: [],
  refused: [],
  compared: 12,
  roundsTaken: 1,
  frozen: undefined,
}
const finding = { kind: 'missing-in-super', resource: 'pods', namespace: 'shop', name: 'web-0', detail: 'not made yet, or gone' }

let folder: string
let kubeconfig: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-'))
  kubeconfig = join(folder, 'config')
  const config = {
    'current-context': 'c',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    contexts: [
      { name: 'c', context: { cluster: 'c', namespace: 'tenants' } },
      { name: 'd', context: { cluster: 'c' } },
    ],
  }
  await writeFile(kubeconfig, JSON.stringify(config))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = async (
  args: readonly string[],
  verify: (input: VerifyInput) => Promise<VerifyOutcome> = async () => outcome,
  signal = new AbortController().signal,
) => {
  const out: string[] = []
  const err: string[] = []
  const host: CliHost = {
    env: { KUBECONFIG: kubeconfig, HOME: folder },
    stdin: Readable.from([]),
    stdout: { write: (text) => void out.push(text) },
    stderr: { write: (text) => void err.push(text) },
    signal,
    now: () => 0,
    explainChange: async () => [],
    diagnose: async () => [],
    verify,
    explainObject: async () => Promise.reject(new Error('nobody asks')),
  }
  const code = await runCli(args, host, { version: '1.2.3' })
  return { code, out: out.join(''), err: err.join('') }
}

describe('the command line', () => {
  test.for<[args: readonly string[], code: number, text: RegExp]>([
    [['--version'], 0, /^1\.2\.3$/m],
    [['--help'], 0, /Exit codes:\n {2}0 {2}done/],
    [['verify', '--help'], 0, /--settle <seconds>/],
    [['verfy'], 2, /unknown command 'verfy'\n\(Did you mean verify\?\)/],
    [['verify'], 2, /missing required argument 'tenant'/],
    [['verify', 'acme', '-o', 'xml'], 2, /Allowed choices are table, wide, json, yaml, name/],
    [['verify', 'acme', '--rounds', '0'], 2, /a number from 1 on is needed/],
    [['verify', 'acme', '--settle', 'soon'], 2, /a number from 0 on is needed/],
    [['certs', '--help'], 0, /rotate \[options\] <tenant>/],
    [['certs', 'cut', 'acme', '--timeout', 'soon'], 2, /a number from 0 on is needed/],
    [['certs', 'rotate'], 2, /missing required argument 'tenant'/],
    [['certs', 'list', 'acme'], 4, /berth: /],
    [['tenant', 'list', '--kubeconfig', '/nowhere'], 2, /berth: cannot read \/nowhere/],
    [['tenant', 'list', '--context', 'x'], 2, /no context "x"/],
    [['tenant', 'list'], 4, /berth: /],
  ])('%j ends with %i', async ([args, code, text]) => {
    const result = await run(args)
    expect(`${result.out}${result.err}`).toMatch(text)
    expect(result.code).toBe(code)
  })
})

test('usage says the name that the program was called by', async () => {
  const out: string[] = []
  const output = { writeOut: (text: string) => void out.push(text) }
  const program = commandTree({ run: async () => {} }, { version: '1', name: 'kubectl berth', output })
  await expect(program.parseAsync(['tenant', 'list', '--help'], { from: 'user' })).rejects.toThrow()
  expect(out.join('')).toMatch(/^Usage: kubectl berth tenant list\|ls \[options\]/)
})

test('an error carries no escape sequence to the terminal', async () => {
  const result = await run(['verify', 'acme'], async () => {
    throw new AppError('KUBE_INVALID', 'refused: \u001b]0;owned\u0007', {})
  })
  expect(result.err).toBe('berth: refused:  ]0;owned \n')
})

test('a command that a signal ends says so, whatever became of it, and has the exit code of the signal', async () => {
  const interrupt = new AbortController()
  const broken = async () => {
    interrupt.abort(new Interrupted('SIGTERM'))
    throw new AppError('KUBE_UNREACHABLE', 'cannot reach it', {})
  }
  expect(await run(['verify', 'acme'], broken, interrupt.signal)).toEqual({
    code: 143,
    out: '',
    err: 'berth: interrupted by SIGTERM\n',
  })
})

test('every exit code has its line in the table', () => {
  expect(exitCodeMeanings.map(({ code }) => code)).toEqual(Object.values(exitCodes))
  expect(exitCodeMeanings.map(meaningText).filter((text) => text === '')).toEqual([])
})

test('every command says what it does, and takes wide where it takes a format', () => {
  const silent: string[] = []
  const walk = (command: ReturnType<typeof commandTree>): void => {
    if (command.description() === '' && command.name() !== '__complete') silent.push(command.name())
    const format = command.options.find(({ long }) => long === '--output')
    const everywhere = ['table', 'wide', 'json', 'yaml', 'name']
    expect(format?.argChoices?.slice(0, everywhere.length) ?? everywhere).toEqual(everywhere)
    command.commands.forEach(walk)
  }
  walk(commandTree({ run: async () => {} }, { version: '1' }))
  expect(silent).toEqual([])
})

describe('verify', () => {
  test('both sides agree', async () => {
    const asked: VerifyInput[] = []
    const result = await run(['verify', 'acme', '--settle', '5s'], async (input) => {
      asked.push(input)
      return outcome
    })
    expect(result).toEqual({ code: 0, out: '', err: 'tenant acme: 12 objects compared, 1 round: both sides agree\n' })
    expect(asked).toMatchObject([{ name: 'acme', namespace: 'tenants', rounds: 3, everyMs: 1000, settleMs: 5000 }])
  })

  test('every difference is a row, and the code is 1', async () => {
    const result = await run(['verify', 'acme', '-n', 'other'], async () => ({
      ...outcome,
      differences: [finding],
      roundsTaken: 3,
    }))
    expect(result).toEqual({
      code: 1,
      out: 'DIFFERENCE        OBJECT           DETAIL\nmissing-in-super  pods/shop/web-0  not made yet, or gone\n',
      err: 'tenant acme: 12 objects compared, 3 rounds: 1 difference stood for every round\n',
    })
  })

  test('as json all of it is on stdout and nothing else is said', async () => {
    const result = await run(['verify', 'acme', '-o', 'json'], async () => ({ ...outcome, differences: [finding] }))
    expect(JSON.parse(result.out)).toMatchObject({ tenant: { name: 'acme' }, differences: [finding] })
    expect(result).toMatchObject({ code: 1, err: '' })
  })

  test('sides that do not come to rest have a code of their own', async () => {
    const result = await run(['verify', 'acme'], async () => ({ ...outcome, moving: [finding] }))
    expect(result.code).toBe(5)
    expect(result.err).toContain('still changing')
  })

  test('a frozen tenant is said to be one, and what was refused on request', async () => {
    const result = await run(['verify', 'acme', '--refused'], async () => ({
      ...outcome,
      frozen: 'store changed',
      refused: [finding],
    }))
    expect(result.err).toContain('syncing is FROZEN: store changed')
    expect(result.err).toContain('refused pods/shop/web-0: not made yet')
  })

  test.for<[code: 'TENANT_NOT_FOUND' | 'KUBE_UNREACHABLE' | 'CONFIG_INVALID', exit: number]>([
    ['TENANT_NOT_FOUND', 3],
    ['KUBE_UNREACHABLE', 4],
    ['CONFIG_INVALID', 2],
  ])('%s ends with %i', async ([code, exit]) => {
    const result = await run(['verify', 'acme'], async () => {
      throw new AppError(code, 'told as it is', {})
    })
    expect(result).toEqual({ code: exit, out: '', err: 'berth: told as it is\n' })
  })
})

describe('which cluster is meant', () => {
  test('the flag, then the first file of KUBECONFIG that is there, then the home directory', () => {
    expect(kubeconfigPath({ kubeconfig: 'flag' }, { KUBECONFIG: kubeconfig })).toBe('flag')
    expect(kubeconfigPath({}, { KUBECONFIG: `/nowhere:${kubeconfig}` })).toBe(kubeconfig)
    expect(kubeconfigPath({}, { KUBECONFIG: '/nowhere' })).toBe('/nowhere')
    expect(kubeconfigPath({}, { HOME: folder })).toBeUndefined()
  })
  test('the namespace of the context', () => {
    const text = '{current-context: a, contexts: [{name: a, context: {namespace: x}}, {name: b, context: {}}]}'
    expect(contextNamespace(text)).toBe('x')
    expect(contextNamespace(text, 'b')).toBeUndefined()
    expect(contextNamespace('')).toBeUndefined()
    expect([contextNames(text), contextNames('')]).toEqual([['a', 'b'], []])
  })
})
