import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandTree } from '../../src/cli/program.ts'
import { commandsOf, faultOf } from './berth-commands.ts'

const root = join(import.meta.dirname, '../..')
const program = commandTree({ run: async () => {} }, { version: '' })
const faults = (page: string) => commandsOf(page).flatMap((shown) => faultOf(shown, program) ?? [])
const inBlock = (text: string) => `\`\`\`sh\n${text}\n\`\`\``

describe('commands that pages show', () => {
  test.for<[text: string, words: readonly (readonly string[])[]]>([
    ['berth top acme   # who uses what', [['top', 'acme']]],
    ['KUBECONFIG=x berth top', [['top']]],
    ['kubectl berth top | sort', [['top']]],
    ['export KEY=$(berth api-key create backend)', [['api-key', 'create', 'backend']]],
    ['source <(berth completion bash)', [['completion', 'bash']]],
    [
      "berth tenant create a --set 'spec.size=a b' && berth verify a",
      [
        ['tenant', 'create', 'a', '--set', 'spec.size=a b'],
        ['verify', 'a'],
      ],
    ],
    ['berth certs rotate acme \\\n  --wait', [['certs', 'rotate', 'acme', '--wait']]],
    ['kubectl get tcp; helm install berth charts/berth', []],
    ['# berth is not a command here', []],
  ])('%s', ([text, words]) => expect(commandsOf(inBlock(text)).map((shown) => shown.words)).toEqual(words))

  test.for<[page: string, wanted: readonly string[]]>([
    [inBlock('berth tenant create acme -n tenants --wait'), []],
    [inBlock('berth tenant connect acme -- kubectl get pods -A'), []],
    [inBlock('berth tenant make acme'), ['berth tenant has no command make']],
    [inBlock('berth tenant list --everything'), ['berth tenant list has no option --everything']],
    [inBlock('berth verify'), ['berth verify needs 1 words, not 0']],
    [inBlock('berth verify a b'), ['berth verify takes 1 words, not 2']],
    [inBlock('berth tenant'), ['berth tenant needs a command']],
    ['say `berth verify`, or `berth tenant`', []],
    ['say `berth verifi`', ['berth has no command verifi']],
  ])('%s', ([page, wanted]) => expect(faults(page)).toEqual(wanted))
})

/** Processes go by such names in texts; they are no commands. */
const processNames = new Set(['manager', 'syncer', 'vn-agent', 'api', 'worker'])
const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })]
const shownIn = (path: string) =>
  commandsOf(readFileSync(join(root, path), 'utf8')).filter(
    ({ words, whole }) => whole || words.length !== 1 || !processNames.has(words[0] ?? ''),
  )

test('pages show many commands', () => {
  expect(pages.flatMap(shownIn).length).toBeGreaterThan(80)
})

test.for(pages)('%s shows only commands and options that there are', (path) => {
  const wrong = shownIn(path).flatMap((shown) => {
    const fault = faultOf(shown, program)
    return fault === undefined ? [] : [`line ${shown.line}: ${fault}`]
  })
  expect(wrong).toEqual([])
})
