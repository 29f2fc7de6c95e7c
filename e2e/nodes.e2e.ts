import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { deployment, idle, namespace, pod, shell } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, rolledOut, waitFor, waitIn } from './support/wait.ts'

interface Placed extends Thing {
  readonly metadata: Thing['metadata'] & { readonly deletionTimestamp?: string }
  readonly spec: { readonly nodeName?: string }
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
  }
}
interface NodeObject extends Thing {
  readonly metadata: Thing['metadata'] & { readonly labels: Readonly<Record<string, string>> }
  readonly spec: { readonly taints?: readonly { readonly key: string }[]; readonly unschedulable?: boolean }
}

/** The machines are shared: what a tenant says of a Node is said of its own Node only, and holds for its own pods. */
describe('what a tenant says of its Nodes', () => {
  let tenant: Tenant
  let first: string
  let second: string

  beforeAll(async () => {
    tenant = await createTenant('nodes')
    await apply(tenant.kubectl, namespace('work'))
    const nodes = (await listJson(tenant.kubectl, ['nodes'])).map(({ metadata }) => metadata.name).sort()
    expect(nodes.length).toBeGreaterThanOrEqual(2)
    ;[first = '', second = ''] = nodes
  })
  afterAll(() => deleteTenants('nodes'))

  const placed = (name: string): Promise<Placed> => getJson<Placed>(tenant.kubectl, ['pod', name, '-n', 'work'])
  const node = (name: string): Promise<NodeObject> => getJson<NodeObject>(tenant.kubectl, ['node', name])
  const unscheduled = (name: string): Promise<string> =>
    waitFor(`pod ${name} is told that no node will do`, async () => {
      const condition = (await placed(name)).status.conditions?.find(({ type }) => type === 'PodScheduled')
      return condition?.status === 'False' ? condition.message : undefined
    })
  const nodesOf = async (): Promise<string[]> => {
    const pods = (await listJson(tenant.kubectl, ['pods', '-n', 'work', '-l', 'app=web'])) as Placed[]
    return pods.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ spec }) => spec.nodeName ?? '')
  }

  test('a pod goes to the node with its label, also when the label comes after it', async () => {
    const { kubectl } = tenant
    await kubectl(['label', 'node', second, 'example.com/disk=ssd'])
    await apply(
      kubectl,
      pod('work', 'fast', shell(idle), { nodeSelector: { 'example.com/disk': 'ssd' } }),
      pod('work', 'later', shell(idle), { nodeSelector: { 'example.com/tape': 'yes' } }),
    )
    await podReady(kubectl, 'work', 'fast')
    expect((await placed('fast')).spec.nodeName).toBe(second)
    await unscheduled('later')
    await kubectl(['label', 'node', first, 'example.com/tape=yes'])
    await podReady(kubectl, 'work', 'later')
    expect((await placed('later')).spec.nodeName).toBe(first)
    await kubectl(['delete', 'pod', 'fast', 'later', '-n', 'work', '--now'])
  })

  test('kubectl drain moves the pods of a workload, uncordon takes the node back', async () => {
    const { kubectl } = tenant
    await apply(kubectl, deployment('work', 'web', 2, shell(idle)))
    await rolledOut(kubectl, 'work', 'deployment/web')
    await kubectl(['drain', first, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s'], { timeoutMs: 70_000 })
    await rolledOut(kubectl, 'work', 'deployment/web')
    await waitFor('both pods on the other node', async () => (await nodesOf()).join(' ') === `${second} ${second}`)
    expect((await node(first)).spec).toMatchObject({
      unschedulable: true,
      taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
    })
    await kubectl(['uncordon', first])
    await waitFor('the taint goes with the cordon', async () => (await node(first)).spec.taints === undefined)
  })

  test('a taint keeps pods away until it goes, and evicts those that run there', async () => {
    const { kubectl } = tenant
    await kubectl(['taint', 'node', second, 'example.com/repair=now:NoExecute'])
    await waitFor('both pods left for the first node', async () => (await nodesOf()).join(' ') === `${first} ${first}`)
    await rolledOut(kubectl, 'work', 'deployment/web')
    await apply(kubectl, pod('work', 'stubborn', shell(idle), { nodeSelector: { 'kubernetes.io/hostname': second } }))
    await unscheduled('stubborn')
    await kubectl(['taint', 'node', second, 'example.com/repair-'])
    await podReady(kubectl, 'work', 'stubborn')
    expect((await placed('stubborn')).spec.nodeName).toBe(second)
  })

  test("super's nodes know nothing of it, and nothing has drifted", async () => {
    for (const name of [first, second]) {
      const { metadata, spec } = await getJson<NodeObject>(superKubectl, ['node', name])
      expect(Object.keys(metadata.labels).filter((key) => key.startsWith('example.com/'))).toEqual([])
      expect(spec.taints).toBeUndefined()
      expect(spec.unschedulable).toBeUndefined()
    }
    const { code, output } = await verify(tenant)
    expect(output).not.toContain('stale')
    expect(code).toBe(0)
    await waitIn(tenant.kubectl, 'work', ['delete', 'pod', 'stubborn', '--now'])
  })
})
