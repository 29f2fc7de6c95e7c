import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, contentKey } from '../cache.ts'
import {
  childrenOf,
  endProcesses,
  isAlive,
  isRunning,
  type ProcessId,
  processesWithEnv,
  processId,
  programOf,
  until,
} from '../processes.ts'
import { type RunOptions, run } from '../run.ts'
import type { ClusterPlan, Machine } from './plan.ts'
import { replaceFile } from './state.ts'

/** All our processes carry the cluster's folder under this name, and so does what they start: nothing of ours gets lost. */
export const clusterMark = 'BERTH_LOCAL_CLUSTER'
const componentMark = 'BERTH_LOCAL_COMPONENT'

/** A program that runs on a machine of the cluster until it is told to stop. */
export interface Component {
  readonly id: string
  readonly machine: Machine
  readonly command: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
  /** What its configuration files say: another text means it has to be started anew. */
  readonly config?: string
}

interface RunRecord extends ProcessId {
  /** Hash of command and configuration. */
  readonly key: string
}

const recordPath = (plan: ClusterPlan, id: string): string => join(plan.stateDir, 'run', `${id}.json`)
const logPath = (plan: ClusterPlan, id: string): string => join(plan.stateDir, 'log', `${id}.log`)
const markOf = (plan: ClusterPlan, id: string): string => `${plan.stateDir}#${id}`

const readRecord = async (plan: ClusterPlan, id: string): Promise<RunRecord | undefined> => {
  const path = recordPath(plan, id)
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as RunRecord) : undefined
}

/** The recorded process of a component, if it still runs. */
export const running = async (plan: ClusterPlan, id: string): Promise<RunRecord | undefined> => {
  const record = await readRecord(plan, id)
  return record && isRunning(record) ? record : undefined
}

/**
 * Waits for the recorded process to be gone, and ends one that runs without a record, as when we were killed between start and record. What it started itself is left alone:
 * pods outlive their containerd.
 */
const endStrays = async (plan: ClusterPlan, id: string, program: string): Promise<void> => {
  const record = await readRecord(plan, id)
  const strays = processesWithEnv(componentMark, markOf(plan, id)).filter((stray) => programOf(stray) === program)
  await endProcesses([...strays, ...(record ? [record] : [])], 0)
  await rm(recordPath(plan, id), { force: true })
}

const lastLines = async (path: string): Promise<string> =>
  (await readFile(path, 'utf8').catch(() => '')).trim().split('\n').slice(-8).join('\n')

/** Starts a program through a launcher that makes it its child, in another pid namespace; waits for the child and records it. */
const launch = async (
  plan: ClusterPlan,
  id: string,
  key: string,
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<RunRecord> => {
  await mkdir(join(plan.stateDir, 'log'), { recursive: true })
  const log = openSync(logPath(plan, id), 'a', 0o600)
  const [program, ...args] = argv
  const launcher = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      ...env,
      [clusterMark]: plan.stateDir,
      [componentMark]: markOf(plan, id),
    },
  })
  closeSync(log)
  launcher.unref()
  let failed: Error | undefined
  launcher.once('error', (error) => {
    failed = error
  })
  const child = await until(
    `starting ${id}`,
    10_000,
    () => {
      if (failed) throw failed
      return childrenOf(launcher.pid ?? -1)
        .map(processId)
        .find((found) => found !== undefined)
    },
    { everyMs: 5, seen: () => lastLines(logPath(plan, id)) },
  )
  const record = { ...child, key }
  await replaceFile(recordPath(plan, id), JSON.stringify(record))
  return record
}

/** Starts a component if it does not run, or runs with another command or configuration. Says what was done. */
export const ensureRunning = async (plan: ClusterPlan, component: Component): Promise<'kept' | 'started'> => {
  const { id, machine, command, env = {}, config = '' } = component
  const init = await machineInit(plan, machine)
  if (!init) throw new Error(`${machine.name} is not up, so ${id} cannot be started on it`)
  const key = contentKey(JSON.stringify([command, env, init]), config)
  const record = await running(plan, id)
  if (record?.key === key) return 'kept'
  if (record) await endProcesses([record], 10_000)
  await endStrays(plan, id, command[0])
  await launch(
    plan,
    id,
    key,
    ['nsenter', '--target', String(init.pid), '--mount', '--net', '--uts', '--ipc', '--pid', '--', ...command],
    env,
  )
  return 'started'
}

const machineProgram = 'catatonit'
const initId = (machine: Machine): string => `machine-${machine.name}`

/** The first process of a machine. When it ends, the kernel ends all others on that machine and drops its mounts. */
export const machineInit = (plan: ClusterPlan, machine: Machine): Promise<ProcessId | undefined> => running(plan, initId(machine))

/**
 * A machine has a /var and a /run of its own, so that nothing it writes lands in the real ones; the folders below /var that
 * both sides must see are put back at their place. Mounts made outside reach it, mounts made inside stay inside.
 */
const initScript = (plan: ClusterPlan, machine: Machine): string => {
  const shared = [plan.stateDir, cacheDir()].filter((path) => path.startsWith('/var/'))
  const inside = (path: string) => join(machine.dir, path)
  return [
    'set -eu',
    'mount --make-rshared /',
    `hostname ${machine.name}`,
    'mount -t tmpfs -o mode=755 berth-run /run',
    'mkdir -m 1777 /run/lock',
    ...shared.flatMap((path) => [`mkdir -p ${inside(path)}`, `mount --bind ${path} ${inside(path)}`]),
    `mount --rbind ${inside('/var')} /var`,
    `exec ${machineProgram} -P`,
  ].join('\n')
}

/** Starts a machine if it is not up. Everything on it has to be started after that. */
export const ensureMachine = async (plan: ClusterPlan, machine: Machine): Promise<'kept' | 'started'> => {
  if (await machineInit(plan, machine)) return 'kept'
  const id = initId(machine)
  await endStrays(plan, id, machineProgram)
  for (const path of ['lib', 'log', 'cache', 'spool', 'tmp']) await mkdir(join(machine.dir, 'var', path), { recursive: true })
  await run('ln', ['-sfn', '/run', join(machine.dir, 'var', 'run')])
  const namespaces = ['--net', '--mount', '--uts', '--ipc', '--pid', '--fork', '--mount-proc', '--propagation', 'slave']
  const record = await launch(plan, id, '', ['unshare', ...namespaces, 'sh', '-c', initScript(plan, machine)], {})
  await until(
    `starting machine ${machine.name}`,
    10_000,
    async () => {
      if (!isAlive(record)) throw new Error(`machine ${machine.name} did not start: ${await lastLines(logPath(plan, id))}`)
      return (await readFile(`/proc/${record.pid}/comm`, 'utf8').catch(() => '')).trim() === machineProgram
    },
    { everyMs: 10, seen: () => lastLines(logPath(plan, id)) },
  )
  return 'started'
}

/** Runs a short command on a machine of the cluster. */
export const runOn = async (
  plan: ClusterPlan,
  machine: Machine,
  command: readonly string[],
  given: RunOptions = {},
): Promise<string> => {
  const init = await machineInit(plan, machine)
  if (!init) throw new Error(`${machine.name} is not up`)
  return run('nsenter', ['--target', String(init.pid), '--mount', '--net', '--uts', '--ipc', '--pid', '--', ...command], given)
}

/** The last lines a component wrote, for messages. */
export const logTail = (plan: ClusterPlan, id: string): Promise<string> => lastLines(logPath(plan, id))
