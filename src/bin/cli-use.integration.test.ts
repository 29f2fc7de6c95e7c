import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { kubeconfigText, startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { type BerthRun, type RunningBerth, runBerth, startBerth } from '../testing/berth-program.ts'
import { eventually } from '../testing/eventually.ts'

// One real API server is management, super and tenant at once.
const { tenantControlPlanes, namespaces, secrets, pods, customResourceDefinitions } = resourceTypes

let api: TestApiServer
let folder: string
let uid: string

const options = () => ({ kubeconfigPath: api.kubeconfigPath, env: { XDG_RUNTIME_DIR: folder } })
const berth = (...args: readonly string[]): Promise<BerthRun> => runBerth(args, options())
const left = async (): Promise<readonly string[]> => (await readdir(folder)).filter((name) => name.startsWith('berth-connect-'))

const makeTenant = async (name: string): Promise<string> => {
  const { client } = api
  const plane = await eventually(
    () =>
      client.create<KubeObject>(tenantControlPlanes, {
        apiVersion: 'berth.dev/v1alpha1',
        kind: 'TenantControlPlane',
        metadata: { name, namespace: 'tenants' },
        spec: {},
      }),
    { describe: 'the CRD in force', deadlineMs: 30_000 },
  )
  const ready = { type: 'APIServerReady', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
  const status = { controlPlaneNamespace: `plane-${name}`, conditions: [ready] }
  await client.patch(tenantControlPlanes, { name, namespace: 'tenants' }, { status }, { subresource: 'status' })
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${name}-kubeconfig`, namespace: 'tenants' },
    stringData: { value: kubeconfigText(api.connection) },
  })
  await client.create(namespaces, { metadata: { name: `plane-${name}` } })
  return plane.metadata.uid ?? ''
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-use-'))
  api = await startApiServer()
  await api.client.create(customResourceDefinitions, tenantControlPlaneCrd())
  await api.client.create(namespaces, { metadata: { name: 'tenants' } })
  uid = await makeTenant('acme')
  await makeTenant('idle')
}, 120_000)

afterAll(async () => {
  await api?.stop()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

describe('berth tenant connect', () => {
  const connect = (...command: readonly string[]) => ['tenant', 'connect', 'acme', '-n', 'tenants', '--', ...command]
  /** A command that says when it is there, and what becomes of it. It ends with its file: one whose `berth` was killed is left alone. */
  const waiting = (script: string): RunningBerth =>
    startBerth(
      connect('sh', '-c', `${script}; echo "path $KUBECONFIG"; while [ -e "$KUBECONFIG" ]; do sleep 0.05; done`),
      options(),
    )
  const pathIn = async ({ seen }: RunningBerth): Promise<string> => {
    await eventually(() => /^path .+\n/m.test(seen().out), { describe: 'the command', deadlineMs: 30_000 })
    return /^path (.+)$/m.exec(seen().out)?.[1] ?? ''
  }

  test('gives the command a file that only its user can reach, its exit code back, and leaves nothing', async () => {
    const script = 'stat -c "%a" "$KUBECONFIG" "$(dirname "$KUBECONFIG")"; echo "$BERTH_TENANT $KUBECONFIG"; exit 7'
    const { code, out } = await berth(...connect('sh', '-c', script))
    expect(out).toMatch(/^600\n700\nacme /)
    expect(out).toContain(`acme ${folder}/berth-connect-`)
    expect(code).toBe(7)
    expect(await left()).toEqual([])
  })

  test.for<[signal: NodeJS.Signals, code: number]>([
    ['SIGTERM', 5],
    ['SIGHUP', 5],
    ['SIGUSR1', 5],
    ['SIGINT', 5],
  ])('passes %s on, and waits for what the command makes of it', async ([signal, code]) => {
    const running = waiting(`trap 'echo caught; exit ${code}' ${signal.slice(3)}`)
    const path = await pathIn(running)
    expect((await stat(path)).isFile()).toBe(true)
    running.child.kill(signal)
    expect(await running.ended).toMatchObject({ code, out: expect.stringContaining('caught') })
    expect(await left()).toEqual([])
  })

  test('a command that a signal ends has the code that a shell gives it', async () => {
    const running = waiting(':')
    await pathIn(running)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(128 + 15)
    expect(await left()).toEqual([])
  })

  test('what a killed one left goes with the next; what is of a living one stays', async () => {
    const [killed, living] = [waiting(':'), waiting("trap 'exit 0' TERM")]
    const path = await pathIn(killed)
    const other = await pathIn(living)
    const pid = /-(\d+)-[^/]+$/.exec(dirname(path))?.[1]
    expect(Number(pid)).toBe(killed.child.pid)
    killed.child.kill('SIGKILL')
    await new Promise((resolve) => killed.child.once('exit', resolve))
    expect((await stat(path)).isFile()).toBe(true)
    expect((await berth(...connect('true'))).code).toBe(0)
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await stat(other)).isFile()).toBe(true)
    living.child.kill('SIGTERM')
    await living.ended
    expect(await left()).toEqual([])
  })

  test('a place that others can enter is not trusted', async () => {
    const open = join(folder, 'open')
    await mkdir(open, { mode: 0o755 })
    await writeFile(join(open, 'x'), '')
    const env = { XDG_RUNTIME_DIR: open }
    const { out } = await runBerth(connect('sh', '-c', 'echo "$KUBECONFIG"'), { kubeconfigPath: api.kubeconfigPath, env })
    expect(out).not.toContain(open)
    expect(out).toMatch(/\/berth-connect-\d+-[^/]+\/kubeconfig\n$/)
  })
})

describe('berth top', () => {
  const top = (...args: readonly string[]) => berth('top', '-n', 'tenants', ...args)

  test('without a metrics server: what is known all the same, and a word on what is not', async () => {
    const { code, out, err } = await top()
    expect(out).toMatch(/^NAME +PLANE CPU +PLANE MEMORY +PODS +PODS CPU +PODS MEMORY +OBJECTS$/m)
    // An API server counts its objects every minute or two: a young one says 0.
    expect(out).toMatch(/^acme +- +- +0 +- +- +\d+$/m)
    expect(err).toMatch(/^the management cluster has no metrics\.k8s\.io that answers/)
    expect(code).toBe(0)
    expect((await top('--no-objects')).out).toMatch(/^acme .* -$/m)
    expect((await top('nobody')).code).toBe(3)
  })

  describe('with one', () => {
    const metrics: ResourceType = {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      plural: 'pods',
      kind: 'PodMetrics',
      namespaced: true,
    }
    const measure = (namespace: string, name: string, cpu: string, memory: string) =>
      eventually(
        () =>
          api.client.create<KubeObject>(metrics, {
            apiVersion: 'metrics.k8s.io/v1beta1',
            kind: 'PodMetrics',
            metadata: { name, namespace },
            containers: [{ name: 'main', usage: { cpu, memory } }],
          }),
        { describe: 'the metrics API', deadlineMs: 30_000 },
      )

    beforeAll(async () => {
      const { client } = api
      await client.create(customResourceDefinitions, {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'pods.metrics.k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } },
        spec: {
          group: 'metrics.k8s.io',
          names: { plural: 'pods', kind: 'PodMetrics', listKind: 'PodMetricsList', singular: 'podmetrics' },
          scope: 'Namespaced',
          versions: [
            {
              name: 'v1beta1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            },
          ],
        },
      })
      const labels = { 'berth.dev/tenant': uid }
      const annotations = { 'berth.dev/name': 'shop' }
      await client.create(namespaces, { metadata: { name: 'acme-shop-x', labels, annotations } })
      await client.create(resourceTypes.serviceAccounts, { metadata: { name: 'default', namespace: 'acme-shop-x' } })
      await client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'web', namespace: 'acme-shop-x', labels },
        spec: { containers: [{ name: 'main', image: 'web' }] },
      })
      await measure('plane-acme', 'etcd-0', '250m', '128Mi')
      await measure('plane-acme', 'kube-apiserver-x', '1', '512Mi')
      await measure('acme-shop-x', 'web', '2', '64Mi')
      await measure('plane-idle', 'etcd-0', '10m', '900Mi')
    }, 60_000)

    test('says what control planes and pods use', async () => {
      const { out, err } = await top('-o', 'wide')
      expect(out).toMatch(/^acme +1250m +640Mi +1 +2000m +64Mi +\d+ +3250m +704Mi$/m)
      expect(out).toMatch(/^idle +10m +900Mi +0 +0m +0Mi +\d+ +10m +900Mi$/m)
      expect(err).toBe('')
    })

    test.for<[by: string, names: string]>([
      ['cpu', 'acme idle'],
      ['memory', 'idle acme'],
      ['name', 'acme idle'],
    ])('--sort %s', async ([by, names]) => {
      const { out } = await top('--sort', by, '--no-objects', '-o', 'name')
      expect(out.replaceAll('tenantcontrolplane.berth.dev/', '').trim().replaceAll('\n', ' ')).toBe(names)
    })

    test('of one tenant each part', async () => {
      const { out } = await top('acme')
      expect(out).toMatch(/^control plane +etcd-0 +1 +250m +128Mi$/m)
      expect(out).toMatch(/^namespace +shop +1 +2000m +64Mi$/m)
      const { tenants, parts } = JSON.parse((await top('acme', '-o', 'json')).out)
      expect(tenants).toMatchObject([{ name: 'acme', controlPlane: { cpu: 1.25 }, workload: { cpu: 2 }, pods: 1 }])
      expect(parts).toHaveLength(3)
    })
  })
})
