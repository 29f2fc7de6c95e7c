import { setTimeout as sleep } from 'node:timers/promises'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { tenantLabel } from '../../src/tenancy/marks.ts'
import { systemNamespace } from '../../src/tenancy/names.ts'
import { median } from '../stats.ts'
import { type ProcessSample, parseSample } from '../syncer.ts'
import { byProgram, type ProgramUse, processesOf } from './processes.ts'
import type { Rest, RestingDaemon, RestingProgram } from './results.ts'
import { type Stage, secondsSince } from './stage.ts'
import type { BenchPlane } from './tenants.ts'

const mib = 2 ** 20
/** DNS of a tenant is a pod of its own, beside those of its users. */
const dnsPods = /^coredns-/

/** UIDs of the pods that make a tenant's control plane, its DNS with them. */
const planePods = async (superClient: KubeClient, plane: BenchPlane): Promise<ReadonlySet<string>> => {
  const [own, down] = await Promise.all([
    superClient.list(resourceTypes.pods, { namespace: plane.controlPlaneNamespace, metadataOnly: true }),
    superClient.list(resourceTypes.pods, { labelSelector: `${tenantLabel}=${plane.uid}`, metadataOnly: true }),
  ])
  const dns = down.items.filter(({ metadata }) => dnsPods.test(metadata.name ?? ''))
  return new Set([...own.items, ...dns].map(({ metadata }) => metadata.uid ?? ''))
}

/** What the programs of each tenant's control plane use now. */
export const readPlanes = async (
  superClient: KubeClient,
  planes: readonly BenchPlane[],
): Promise<ReadonlyMap<string, ProgramUse>[]> => {
  const pods = await Promise.all(planes.map((plane) => planePods(superClient, plane)))
  const processes = processesOf(new Set(pods.flatMap((uids) => [...uids])))
  return pods.map((uids) => byProgram(processes.filter(({ podUid }) => uids.has(podUid))))
}

const healthPorts = { manager: 8080, syncer: 8081 }

/** What a process of Berth says of itself. Of several replicas all is added up: each may have work. */
const readDaemon = async (superClient: KubeClient, name: keyof typeof healthPorts): Promise<ProcessSample> => {
  const labelSelector = `app.kubernetes.io/name=berth-${name}`
  const { items } = await superClient.list(resourceTypes.pods, { namespace: systemNamespace, labelSelector, metadataOnly: true })
  const pods = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  if (pods.length === 0) throw new Error(`there is no pod of berth-${name}`)
  const samples = await Promise.all(
    pods.map(async ({ metadata }) => {
      const path = `/api/v1/namespaces/${systemNamespace}/pods/${metadata.name}:${healthPorts[name]}/proxy/metrics`
      const { status, body } = await superClient.raw(path)
      if (status !== 200) throw new Error(`metrics of ${metadata.name}: ${status} ${body.slice(0, 300)}`)
      return parseSample(body)
    }),
  )
  const sum = (of: (sample: ProcessSample) => number): number => samples.reduce((total, sample) => total + of(sample), 0)
  return {
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    residentBytes: sum(({ residentBytes }) => residentBytes),
    heapBytes: sum(({ heapBytes }) => heapBytes),
  }
}

const milliCores = (before: number, after: number, seconds: number): number => ((after - before) / seconds) * 1000

const daemonFigures = (before: ProcessSample, after: ProcessSample, seconds: number): RestingDaemon => ({
  residentMiB: after.residentBytes / mib,
  heapMiB: after.heapBytes / mib,
  milliCores: milliCores(before.cpuSeconds, after.cpuSeconds, seconds),
})

/** Medians over the tenants of what each program uses between two readings. A program that was started anew meanwhile counts from its start. */
export const programFigures = (
  before: readonly ReadonlyMap<string, ProgramUse>[],
  after: readonly ReadonlyMap<string, ProgramUse>[],
  seconds: number,
): Record<string, RestingProgram> => {
  const names = [...new Set(after.flatMap((programs) => [...programs.keys()]))]
  const middle = (name: string, of: (use: ProgramUse, cpuBefore: number) => number): number =>
    median(
      after.flatMap((programs, index) => {
        const use = programs.get(name)
        const earlier = before[index]?.get(name)?.cpuSeconds ?? 0
        return use ? of(use, earlier <= use.cpuSeconds ? earlier : 0) : []
      }),
    )
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        residentMiB: middle(name, ({ resident }) => resident) / mib,
        proportionalMiB: middle(name, ({ proportional }) => proportional) / mib,
        anonymousMiB: middle(name, ({ anonymous }) => anonymous) / mib,
        milliCores: middle(name, ({ cpuSeconds }, earlier) => milliCores(earlier, cpuSeconds, seconds)),
      },
    ]),
  )
}

/** Lets things settle, then reads twice with nothing but time in between. */
export const readTwice = async <T>(
  { options: { restSeconds }, signal }: Pick<Stage, 'options' | 'signal'>,
  read: () => Promise<T>,
): Promise<{ readonly before: T; readonly after: T; readonly seconds: number }> => {
  await sleep(restSeconds * 1000, undefined, { signal })
  const before = await read()
  const began = performance.now()
  await sleep(restSeconds * 1000, undefined, { signal })
  return { before, after: await read(), seconds: secondsSince(began) }
}

/** What all of it uses when nobody asks for anything. */
export const readAtRest = async (stage: Stage, planes: readonly BenchPlane[]): Promise<Rest> => {
  const { superClient, progress } = stage
  progress(`at rest with ${planes.length} tenants`)
  const { before, after, seconds } = await readTwice(stage, async () => ({
    manager: await readDaemon(superClient, 'manager'),
    syncer: await readDaemon(superClient, 'syncer'),
    planes: await readPlanes(superClient, planes),
  }))
  return {
    tenants: planes.length,
    manager: daemonFigures(before.manager, after.manager, seconds),
    syncer: daemonFigures(before.syncer, after.syncer, seconds),
    programs: programFigures(before.planes, after.planes, seconds),
  }
}
