import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAlive, type ProcessId, processesWithEnv, signal, until } from '../processes.ts'
import { run } from '../run.ts'
import { downCluster, ensureCluster, type LocalCluster, statusCluster } from './index.ts'
import { type Kubectl, kubectlFor } from './kubectl.ts'
import { listTraces } from './leftovers.ts'
import { clusterMark } from './machine.ts'
import type { ClusterPlan } from './plan.ts'
import { recordedPlan, stateBase } from './state.ts'

const name = 'leftovers'
const workload = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: web
      image: registry.k8s.io/e2e-test-images/agnhost:2.66.1
      args: [netexec]
      readinessProbe: { httpGet: { path: /healthz, port: 8080 }, periodSeconds: 1 }
      volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
`

const up = (): Promise<LocalCluster> => ensureCluster({ name, nodes: 1 })

const plan = async (): Promise<ClusterPlan> => {
  const found = await recordedPlan(name)
  if (!found) throw new Error('the cluster has no state')
  return found
}

const records = async (): Promise<Map<string, ProcessId>> => {
  const dir = join((await plan()).stateDir, 'run')
  const files = (await readdir(dir)).filter((file) => file.endsWith('.json'))
  return new Map(
    await Promise.all(
      files.map(async (file) => [file.slice(0, -5), JSON.parse(await readFile(join(dir, file), 'utf8')) as ProcessId] as const),
    ),
  )
}

const kill = async (id: string): Promise<void> => {
  const record = (await records()).get(id)
  if (!record) throw new Error(`no component ${id}`)
  signal(record, 'SIGKILL')
  await until(`${id} being dead`, 5_000, () => !isAlive(record))
}

/** Asks the pod through the Service and kube-proxy from this machine: all of the cluster has part in the answer. */
const answers = async (kubectl: Kubectl): Promise<string> => {
  const address = await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}'])
  return until('the Service answering', 60_000, () =>
    run('curl', ['--silent', '--fail', '--max-time', '2', `http://${address}/hostname`]).catch(() => undefined),
  )
}

/** Starts `up` as a process of its own and kills it as soon as it has started a component. */
const upKilledAt = async (id: string): Promise<void> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../cluster.ts'), 'up', '--name', name, '--nodes', '1'], {
    stdio: 'ignore',
  })
  const gone = once(child, 'exit')
  await until(`${id} being started`, 60_000, () => existsSync(join(stateBase(), name, 'run', `${id}.json`)), { everyMs: 5 })
  child.kill('SIGKILL')
  await gone
}

describe('a local cluster', () => {
  let kubectl: Kubectl
  let shared: readonly string[]
  let last: ClusterPlan

  beforeAll(async () => {
    await downCluster({ name })
    await upKilledAt('machine-control')
    const cluster = await up()
    last = await plan()
    shared = (await listTraces(last)).shared
    kubectl = kubectlFor(cluster.binaries.kubectl, cluster.kubeconfigPath)
    await kubectl(['apply', '-f', '-'], { input: workload })
  })

  afterAll(() => downCluster({ name }))

  test('came up although an earlier start was killed, and serves', async () => {
    expect(await answers(kubectl)).toBe('web')
  })

  test('is left as it is by another start', async () => {
    const before = await records()
    await Promise.all([up(), up()])
    expect(await records()).toEqual(before)
  })

  test.for([
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kubelet-node1',
    'kube-proxy-node1',
    'machine-control',
  ])('is repaired after kill -9 of %s, and the pod does not notice', async (id) => {
    await answers(kubectl)
    const [before] = processesWithEnv(clusterMark, last.stateDir)
    await kill(id)
    expect(before).toBeDefined()
    await up()
    expect(await statusCluster({ name })).toMatchObject({ state: 'up', gaps: [] })
    expect(await answers(kubectl)).toBe('web')
    expect(await kubectl(['get', 'pod', 'web', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'])).toBe('0')
  })

  test('keeps its pods when containerd is killed', async () => {
    await kill('containerd-node1')
    await up()
    expect(await answers(kubectl)).toBe('web')
    expect(await kubectl(['get', 'pod', 'web', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'])).toBe('0')
  })

  test('starts the pods again when a node was lost', async () => {
    await kill('machine-node1')
    await up()
    expect(await answers(kubectl)).toBe('web')
  })

  test('comes back after a restart of the machine, which leaves only files', async () => {
    for (const id of processesWithEnv(clusterMark, last.stateDir)) signal(id, 'SIGKILL')
    await until('all being dead', 10_000, () => processesWithEnv(clusterMark, last.stateDir).length === 0)
    await run('ip', ['link', 'del', last.bridge])
    await up()
    expect(await answers(kubectl)).toBe('web')
  })

  test('leaves nothing on this machine when it is taken down', async () => {
    expect((await listTraces(last)).own).not.toEqual([])
    await downCluster({ name })
    expect(await listTraces(last)).toEqual({ own: [], shared })
  })

  test('leaves nothing when it is taken down half up with its runtime dead', async () => {
    await upKilledAt('containerd-node1')
    last = await plan()
    await kill('containerd-node1')
    await downCluster({ name })
    expect(await listTraces(last)).toEqual({ own: [], shared })
    expect(await statusCluster({ name })).toMatchObject({ state: 'absent' })
  })
})
