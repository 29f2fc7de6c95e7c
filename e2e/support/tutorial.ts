import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { linkPrograms } from '../../hack/demo/workbench.ts'
import { type CodeBlock, codeOf } from '../../hack/docs/markdown.ts'
import { untilLine } from '../../hack/lines.ts'
import { run } from '../../hack/run.ts'

const root = join(import.meta.dirname, '../..')
/** Where the tutorial has the cluster of `make demo`. */
const demoDir = '/var/lib/berth/demo'
const blockMs = 150_000

/** Somebody who reads the tutorial and pastes it into a terminal. */
export interface Reader {
  /** Headings of the parts, in their order. */
  readonly headings: readonly string[]
  /** Does all that a part says; gives what each of its blocks printed. @throws when a command fails. */
  readonly play: (heading: string) => Promise<readonly string[]>
}

export interface ReaderOptions {
  /** An empty folder: the reader's working directory, and what the tutorial takes for that of the demo. */
  readonly dir: string
  readonly kubectl: string
  readonly superKubeconfig: string
}

/** Sets a folder up as the tutorial expects its reader's. The variables that a block exports are there in the next. */
export const readTutorial = async ({ dir, kubectl, superKubeconfig }: ReaderOptions): Promise<Reader> => {
  const page = await readFile(join(root, 'docs/tutorial.md'), 'utf8')
  const parts = page.split(/^## /m).map((text) => ({ heading: text.split('\n', 1)[0] ?? '', code: codeOf(text) }))
  await linkPrograms(dir, kubectl)
  await symlink(superKubeconfig, join(dir, 'kubeconfig'))
  await symlink(join(root, 'manifests'), join(dir, 'manifests'))

  const variables = join(dir, 'variables')
  await writeFile(variables, '')
  const options = { cwd: dir, env: { HOME: dir, NO_COLOR: '1', TERM: 'dumb', KUBECONFIG: '' } }

  /** A script that does some lines as the terminal would that did all before. */
  const scriptOf = async (lines: string): Promise<string> => {
    const path = join(dir, 'block.sh')
    const text = lines.replaceAll(demoDir, dir)
    await writeFile(path, `set -eo pipefail\n. '${variables}'\n${text}\nexport -p > '${variables}'\n`)
    return path
  }

  const paste = async ({ text }: CodeBlock): Promise<string> =>
    run('bash', ['-c', 'exec bash "$0" 2>&1', await scriptOf(text)], { ...options, timeoutMs: blockMs })

  /** The first line on a terminal, where the others are typed. `script` gives it one. */
  const type = async (text: string): Promise<string> => {
    const [command = '', ...typed] = text.split('\n')
    const line = `bash '${await scriptOf(command)}'`
    const child = execa('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
      ...options,
      input: typed.map((each) => `${each}\n`).join(''),
      timeout: blockMs,
    })
    return (await child).stdout
  }

  /** A command that serves until it is told to end: it is asked once, and ended. Any port does: the tutorial's may be taken here. */
  const forward = async ({ text }: CodeBlock): Promise<string> => {
    const script = await scriptOf(`exec ${text.replace(/ \d+:(\d+)$/, ' :$1')}`)
    const child = execa('bash', [script], { ...options, reject: false, timeout: 30_000, stdin: 'ignore' })
    try {
      const port = await untilLine(child.stdout, (line) => /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1])
      const answer = await fetch(`http://127.0.0.1:${port}/hostname`, { signal: AbortSignal.timeout(10_000) })
      if (!answer.ok) throw new Error(`the forwarded port answered ${answer.status}`)
      return await answer.text()
    } finally {
      child.kill()
      await child
    }
  }

  const playBlock = (block: CodeBlock): Promise<string> => {
    if (block.mark === undefined) return paste(block)
    if (block.mark === 'terminal') return type(block.text)
    if (block.mark === 'background') return forward(block)
    const answer = /^terminal, where the answer is (\S+)$/.exec(block.mark)?.[1]
    if (answer !== undefined) return type(`${block.text}\n${answer}`)
    throw new Error(`nobody knows how to play "${block.mark}" at line ${block.line} of its part`)
  }

  const withCode = parts.filter(({ code }) => code.blocks.some(({ language }) => language === 'sh'))
  return {
    headings: withCode.map(({ heading }) => heading),
    play: async (heading) => {
      const part = withCode.find((each) => each.heading === heading)
      if (!part) throw new Error(`the tutorial has no part ${heading}`)
      const printed: string[] = []
      for (const block of part.code.blocks.filter(({ language }) => language === 'sh')) printed.push(await playBlock(block))
      return printed
    },
  }
}
