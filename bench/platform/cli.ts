import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { rotated } from '../stats.ts'
import { builtHelp, builtVersion } from './goals.ts'
import type { StartFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { makeListed } from './tenants.ts'
import { msOf, type ProgramRun, runProgram, spreadOf } from './timing.ts'
import { organization } from './world.ts'

const root = join(import.meta.dirname, '../..')

/** Builds the package as it is published, into `dist`. */
const build = async (signal: AbortSignal): Promise<string> => {
  await rm(join(root, 'dist'), { recursive: true, force: true })
  const args = ['-p', join(root, 'tsconfig.build.json')]
  await runProgram({ program: join(root, 'node_modules/.bin/tsc'), args, env: process.env }, signal)
  return join(root, 'dist/bin/cli.js')
}

const commands = {
  [builtVersion]: ['--version'],
  [builtHelp]: ['--help'],
  'berth tenant list': ['tenant', 'list', '--namespace', organization],
  'berth tenant list, none there': ['tenant', 'list', '--namespace', 'default'],
} as const

/** Starts of the program from its build and from its sources, of kubectl, and of Node alone, taking turns. */
export const cli = async (stage: Stage): Promise<StartFigures> => {
  const { world, options, progress, signal } = stage
  await makeListed(stage)
  progress('building the package')
  const built = await build(signal)
  const node = (...args: readonly string[]): ProgramRun => ({ ...world.kubectl(...args), program: process.execPath })
  const runs: readonly (readonly [name: string, run: ProgramRun])[] = [
    ...Object.entries(commands).map(([name, args]) => [name, node(built, ...args)] as const),
    ...Object.entries(commands).map(
      ([name, args]) => [`${name}, from source`, node(join(root, 'src/bin/cli.ts'), ...args)] as const,
    ),
    ['kubectl version --client', world.kubectl('version', '--client')],
    ['kubectl get tcp', world.kubectl('get', 'tcp', '--namespace', organization)],
    ['kubectl get tcp, none there', world.kubectl('get', 'tcp', '--namespace', 'default')],
    ['node, nothing to do', node('--eval', '0')],
  ]
  progress(`starting each of ${runs.length} programs ${options.starts} times`)
  const times = new Map(runs.map(([name]) => [name, [] as number[]]))
  for (const [, run] of runs) await runProgram(run, signal)
  for (let round = 0; round < options.starts; round += 1)
    for (const [name, run] of rotated(runs, round)) times.get(name)?.push(await msOf(() => runProgram(run, signal)))
  return Object.fromEntries([...times].map(([name, values]) => [name, spreadOf(values)]))
}
