import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveTenantKubeconfig } from '../hack/demo/workbench.ts'
import { namespaceReport } from '../hack/diagnosis.ts'
import { parseKubeconfig } from '../src/kube/kubeconfig.ts'
import { getJson, listJson, superKubectl, type Thing, world } from './support/kubectl.ts'
import { createTenant, deleteTenants, type Tenant, tenantObject, tenantsNamespace } from './support/tenant.ts'
import { waitFor } from './support/wait.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
}
interface Explained {
  readonly code: number
  readonly refusals: readonly string[]
  readonly effects: readonly { readonly object: string; readonly effect: string; readonly endsPods: boolean }[]
}
type Spec = Record<string, unknown>

const program = join(import.meta.dirname, '../src/bin/cli.ts')
const name = 'changes'
const host = 'changes.example.test'
const balancer = '203.0.113.77'
/** How long a condition may take to name a flag that does not exist. */
const namedWithinMs = 30_000

/** `berth explain change` about the tenant with this spec. */
const explain = (spec: Spec): Promise<Explained> =>
  new Promise((resolve, reject) => {
    const args = [program, 'explain', 'change', '-f', '-', '-o', 'json', '--kubeconfig', world().superKubeconfig]
    const child = execFile(process.execPath, args, { timeout: 30_000 }, (error, out, err) => {
      const code = error ? Number(error.code ?? -1) : 0
      if (code !== 0 && code !== 1 && code !== 4) reject(new Error(err, { cause: error }))
      else resolve({ code, ...JSON.parse(out).tenants[0] })
    })
    child.stdin?.end(JSON.stringify(tenantObject(name, spec)))
  })

describe('a tenant that is changed', () => {
  let tenant: Tenant
  let ready: string
  let spec: Spec = {}

  const statusOf = async () =>
    (
      await getJson<Thing & { status: { endpoint: string; conditions: Condition[] } }>(superKubectl, [
        'tcp',
        name,
        '-n',
        tenantsNamespace,
      ])
    ).status
  const conditionOf = async (type: string) => (await statusOf()).conditions.find((each) => each.type === type)
  const untilCondition = (type: string, expected: RegExp, deadlineMs = 150_000): Promise<Condition> =>
    waitFor(
      `${type} to say ${expected}`,
      async () => {
        const condition = await conditionOf(type)
        const said = `${condition?.status} ${condition?.reason}: ${condition?.message}`
        if (!condition || !expected.test(said)) throw new Error(said)
        return condition
      },
      { deadlineMs, report: () => namespaceReport(superKubectl, tenant.controlPlaneNamespace) },
    )
  const at = () => ['-n', tenant.controlPlaneNamespace]
  const published = async (): Promise<string> => {
    await saveTenantKubeconfig(superKubectl, tenant.kubeconfig, name, tenantsNamespace)
    return parseKubeconfig(await readFile(tenant.kubeconfig, 'utf8')).server
  }
  /** Pods that run by component, and how many revisions each workload has had. */
  const seen = async () => {
    const [pods, replicaSets, revisions] = await Promise.all(
      ['pods', 'replicasets', 'controllerrevisions'].map((kind) => listJson(superKubectl, [kind, ...at()])),
    )
    const component = (thing: Thing) => thing.metadata.labels?.['berth.dev/component'] ?? ''
    const byName = new Map<string, string[]>()
    for (const thing of pods ?? [])
      byName.set(component(thing), [...(byName.get(component(thing)) ?? []), thing.metadata.uid].sort())
    return { pods: byName, revisions: [...(replicaSets ?? []), ...(revisions ?? [])].map(component).sort() }
  }
  type Seen = Awaited<ReturnType<typeof seen>>
  const restarted = (before: Seen, after: Seen): string[] =>
    [...before.pods].filter(([key, uids]) => after.pods.get(key)?.join() !== uids.join()).map(([key]) => key)
  const newRevisions = (before: Seen, after: Seen): string[] => {
    const left = [...before.revisions]
    return after.revisions.filter((key) => {
      const index = left.indexOf(key)
      if (index >= 0) left.splice(index, 1)
      return index < 0
    })
  }
  /** Makes a change after asking what it would do. Gives the components that are said to start anew. */
  const change = async (next: Spec): Promise<string[]> => {
    const said = await explain(next)
    expect(said.refusals).toEqual([])
    await superKubectl(['apply', '-f', '-'], { input: JSON.stringify(tenantObject(name, next)) })
    spec = next
    const ended = said.effects.filter(({ endsPods }) => endsPods).map(({ object }) => object.split('/')[1] ?? '')
    expect(said.code).toBe(ended.length > 0 ? 1 : 0)
    return ended
  }

  const wasReadyAllTheTime = async () => {
    const events = await superKubectl([
      'get',
      'events',
      '-n',
      tenantsNamespace,
      '--field-selector',
      `involvedObject.name=${name}`,
    ])
    expect((await conditionOf('Ready'))?.lastTransitionTime, events).toBe(ready)
  }

  beforeAll(async () => {
    tenant = await createTenant(name)
    ready = (await conditionOf('Ready'))?.lastTransitionTime ?? ''
  })
  afterAll(() => deleteTenants(name))

  test('is reached by a node port, and by other names, when its certificate is valid for them; nothing starts anew', async () => {
    const before = await seen()
    const own = await published()
    const began = performance.now()
    const next = { apiServer: { extraSANs: [host, balancer], exposure: { type: 'NodePort' } } }
    expect(await change(next)).toEqual([])
    await untilCondition('Exposed', /^False WaitsForCertificate: .*; the kubeconfig names /)
    expect(await published()).toBe(own)
    await untilCondition('Exposed', /^True Published/)
    console.log(`reached by a node port after ${((performance.now() - began) / 1000).toFixed(1)} s`)

    const server = await published()
    const node = world().nodes.find(({ ip }) => server.startsWith(`https://${ip}:`))
    expect(node, server).toBeDefined()
    expect((await statusOf()).endpoint).toBe(server)
    expect(await tenant.kubectl(['get', 'namespace', 'default', '-o', 'name'])).toBe('namespace/default')
    // By any node, and by the other names.
    for (const [ip, serverName] of world().nodes.map(({ ip }) => [ip, host] as const)) {
      const by = [`--server=${server.replace(/\/\/[^:]+/, `//${ip}`)}`, `--tls-server-name=${serverName}`]
      expect(await tenant.kubectl(['get', 'namespace', 'default', '-o', 'name', ...by])).toBe('namespace/default')
    }
    const after = await seen()
    expect([restarted(before, after), newRevisions(before, after)]).toEqual([[], []])
  })

  test('is reached by a name, by a load balancer when that has an address, and by its slice again', async () => {
    const before = await seen()
    const { extraSANs } = spec['apiServer'] as { extraSANs: string[] }
    expect(await change({ apiServer: { extraSANs, exposure: { hostname: host, port: 8443 } } })).toEqual([])
    await untilCondition('Exposed', /^True Published/)
    await waitFor('the kubeconfig with the name', async () => (await published()) === `https://${host}:8443`)
    const services = async () => (await listJson(superKubectl, ['services', ...at()])).map(({ metadata }) => metadata.name)
    await waitFor('the node port to be gone', async () => !(await services()).includes('kube-apiserver-exposed'))

    await change({ apiServer: { extraSANs, exposure: { type: 'LoadBalancer', loadBalancerClass: 'example.com/played' } } })
    await untilCondition('Exposed', /^False NoAddress: Service \S+ has no address/)
    expect(await published()).toBe(`https://${host}:8443`)
    const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: balancer }] } } })
    await superKubectl([
      'patch',
      'service',
      'kube-apiserver-exposed',
      ...at(),
      '--subresource=status',
      '--type=merge',
      '-p',
      status,
    ])
    await untilCondition('Exposed', /^True Published/)
    expect(await published()).toBe(`https://${balancer}:443`)

    await change({ apiServer: { extraSANs: [] } })
    await waitFor('the kubeconfig of the slice', async () => (await published()) === tenant.status.endpoint)
    await waitFor('the load balancer to be gone', async () => !(await services()).includes('kube-apiserver-exposed'))
    expect(await tenant.kubectl(['get', 'namespace', 'default', '-o', 'name'])).toBe('namespace/default')
    await waitFor('no word of exposure', async () => (await conditionOf('Exposed')) === undefined)
    const after = await seen()
    expect([restarted(before, after), newRevisions(before, after)]).toEqual([[], []])
    await wasReadyAllTheTime()
  })

  test('with another flag rolls its API server once, and nothing else, as was said', async () => {
    const before = await seen()
    const said = await change({ apiServer: { extraArgs: { 'event-ttl': '2h' } } })
    expect(said).toEqual(['kube-apiserver'])
    await untilCondition('APIServerReady', /^True RollingOut/, 30_000)
    await untilCondition('APIServerReady', /^True Serving/)
    const after = await waitFor('the old pod to be gone', async () => {
      const now = await seen()
      return now.pods.get('kube-apiserver')?.length === 1 ? now : undefined
    })
    expect(restarted(before, after)).toEqual(said)
    expect(newRevisions(before, after)).toEqual(said)
    const [pod] = await listJson(superKubectl, ['pods', ...at(), '-l', 'berth.dev/component=kube-apiserver'])
    expect(JSON.stringify(pod?.spec)).toContain('--event-ttl=2h')
    await wasReadyAllTheTime()
  })

  test('with a flag that nobody knows is told so within 30 s, while the old API server serves on', async () => {
    const before = await seen()
    const began = performance.now()
    await change({ apiServer: { extraArgs: { 'event-ttl': '2h', 'no-such-flag': 'x' } } })
    const told = await untilCondition('APIServerReady', /CrashLooping: .*unknown flag: --no-such-flag/, namedWithinMs)
    console.log(
      `a flag that does not exist was named after ${((performance.now() - began) / 1000).toFixed(1)} s: ${told.message}`,
    )
    expect(told.status).toBe('True')
    expect(await tenant.kubectl(['get', 'namespace', 'default', '-o', 'name'])).toBe('namespace/default')
    const meanwhile = await seen()
    expect(meanwhile.pods.get('kube-apiserver')).toEqual(expect.arrayContaining(before.pods.get('kube-apiserver') ?? []))

    await change({ apiServer: { extraArgs: { 'event-ttl': '2h' } } })
    await untilCondition('APIServerReady', /^True Serving/)
    const after = await waitFor('only the old pod', async () => {
      const now = await seen()
      return now.pods.get('kube-apiserver')?.length === 1 ? now : undefined
    })
    expect(restarted(before, after)).toEqual([])
    await wasReadyAllTheTime()
  })

  /** How often each Deployment has been rolled: old ReplicaSets are not kept for ever. */
  const revisions = async (): Promise<number[]> => {
    const deployments = await listJson(superKubectl, ['deployments', ...at()])
    return deployments.map(({ metadata }) => Number(metadata.annotations?.['deployment.kubernetes.io/revision']))
  }

  test('of another size rolls each of its programs once, as was said, and keeps its data', async () => {
    const before = await seen()
    const revisionsBefore = await revisions()
    const said = await change({ size: 'medium', apiServer: { extraArgs: { 'event-ttl': '2h' } } })
    expect(said.sort()).toEqual(['etcd', 'kube-apiserver', 'kube-controller-manager'])
    const after = await waitFor(
      'one pod of each, and none of before',
      async () => {
        const now = await seen()
        const settled = said.every(
          (key) => now.pods.get(key)?.length === 1 && now.pods.get(key)?.join() !== before.pods.get(key)?.join(),
        )
        return settled && restarted(before, now).length >= said.length ? now : undefined
      },
      { deadlineMs: 150_000, report: () => namespaceReport(superKubectl, tenant.controlPlaneNamespace) },
    )
    await superKubectl(['wait', '--for=condition=Ready', `tcp/${name}`, '-n', tenantsNamespace, '--timeout=120s'], {
      timeoutMs: 130_000,
    })
    expect(restarted(before, after).sort()).toEqual(said)
    expect(await revisions()).toEqual(revisionsBefore.map((revision) => revision + 1))
    const requests = async (component: string) => {
      const [pod] = await listJson(superKubectl, ['pods', ...at(), '-l', `berth.dev/component=${component}`])
      return JSON.stringify(pod?.spec)
    }
    expect(await requests('etcd')).toContain('"requests":{"cpu":"100m","memory":"256Mi"}')
    expect(await requests('kube-apiserver')).toContain('"requests":{"cpu":"250m","memory":"512Mi"}')
    expect(await tenant.kubectl(['get', 'namespace', 'default', '-o', 'name'])).toBe('namespace/default')
  })

  test('is refused a flag of Berth, before and when it is applied', async () => {
    const bad = { apiServer: { extraArgs: { 'etcd-servers': 'https://example.com' } } }
    const said = await explain(bad)
    expect(said).toMatchObject({ code: 4, effects: [], refusals: [expect.stringMatching(/etcd-\*.*: the data store/)] })
    await expect(superKubectl(['apply', '-f', '-'], { input: JSON.stringify(tenantObject(name, bad)) })).rejects.toThrow(
      /etcd-\*/,
    )
  })
})
