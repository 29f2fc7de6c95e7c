import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { deployment, idle, namespace, pod, shell } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, rolledOut, waitFor } from './support/wait.ts'

interface Placed extends Thing {
  readonly spec: { readonly nodeName?: string }
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[]
  }
}

const label = 'example.com/pool'
const taint = { key: label, value: 'owner', effect: 'NoSchedule' }

/** One node is a tenant's own: what it runs is there, and what others run is not, whatever they try. */
describe('a node pool', () => {
  let owner: Tenant
  let other: Tenant
  let shared: string
  let pool: string

  beforeAll(async () => {
    const nodes = (await listJson(superKubectl, ['nodes'])).map(({ metadata }) => metadata.name).sort()
    expect(nodes.length).toBeGreaterThanOrEqual(2)
    ;[shared = '', pool = ''] = nodes
    await superKubectl(['label', 'node', pool, `${label}=owner`, '--overwrite'])
    await superKubectl(['taint', 'node', pool, `${label}=owner:NoSchedule`, '--overwrite'])
    owner = await createTenant('pool-owner', { isolation: { nodePool: { nodeSelector: { [label]: 'owner' }, taints: [taint] } } })
    other = await createTenant('pool-other')
    for (const { kubectl } of [owner, other]) await apply(kubectl, namespace('work'))
  })
  afterAll(async () => {
    await superKubectl(['taint', 'node', pool, `${label}-`])
    await superKubectl(['label', 'node', pool, `${label}-`])
    await deleteTenants('pool-owner', 'pool-other')
  })

  const placed = ({ kubectl }: Tenant, name: string): Promise<Placed> => getJson<Placed>(kubectl, ['pod', name, '-n', 'work'])
  const unscheduled = (tenant: Tenant, name: string): Promise<string> =>
    waitFor(`pod ${name} is told that no node will do`, async () => {
      const condition = (await placed(tenant, name)).status.conditions?.find(({ type }) => type === 'PodScheduled')
      return condition?.status === 'False' ? condition.message : undefined
    })
  const nodesOf = async ({ kubectl }: Tenant) => (await listJson(kubectl, ['nodes'])).map(({ metadata }) => metadata.name).sort()

  test('each of the two sees its own nodes only', async () => {
    expect(await nodesOf(owner)).toEqual([pool])
    await waitFor('the pool is out of sight', async () => (await nodesOf(other)).every((name) => name !== pool))
  })

  test('the pods of its tenant are there and nowhere else', async () => {
    await apply(owner.kubectl, deployment('work', 'web', 3, shell(idle)), pod('work', 'away', shell(idle), { nodeName: shared }))
    await rolledOut(owner.kubectl, 'work', 'deployment/web')
    const pods = (await listJson(owner.kubectl, ['pods', '-n', 'work', '-l', 'app=web'])) as Placed[]
    expect(pods.map(({ spec }) => spec.nodeName)).toEqual([pool, pool, pool])
    await unscheduled(owner, 'away')
    await owner.kubectl(['delete', 'pod', 'away', '-n', 'work', '--now'])
  })

  test("no other tenant's pod gets there, with the taint in place and without", async () => {
    const onPool = { key: 'metadata.name', operator: 'In', values: [pool] }
    const required = (...nodeSelectorTerms: object[]) => ({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
    })
    const everything = [{ operator: 'Exists' }]
    const tricks: Record<string, Record<string, unknown>> = {
      named: { nodeName: pool },
      selects: { nodeSelector: { [label]: 'owner' }, tolerations: everything },
      affine: { affinity: required({ matchFields: [onPool] }), tolerations: [{ key: label, operator: 'Exists' }] },
    }
    await apply(other.kubectl, ...Object.entries(tricks).map(([name, spec]) => pod('work', name, shell(idle), spec)))
    for (const name of Object.keys(tricks)) await unscheduled(other, name)
    await superKubectl(['taint', 'node', pool, `${label}-`])
    // A pod that may go anywhere goes elsewhere, after the scheduler has seen that the taint is gone: the owner's runs there without it.
    await apply(other.kubectl, pod('work', 'free', shell(idle)))
    await podReady(other.kubectl, 'work', 'free')
    expect((await placed(other, 'free')).spec.nodeName).toBe(shared)
    const spec = { affinity: required({ matchFields: [onPool] }) }
    await apply(other.kubectl, pod('work', 'again', shell(idle), spec))
    await unscheduled(other, 'again')
    for (const name of [...Object.keys(tricks), 'again']) await unscheduled(other, name)
    await superKubectl(['taint', 'node', pool, `${label}=owner:NoSchedule`])
    expect(await nodesOf(other)).not.toContain(pool)
    await other.kubectl(['delete', 'pod', '--all', '-n', 'work', '--now'])
  })

  test('both sides of both tenants agree', async () => {
    for (const tenant of [owner, other]) {
      const { code, output } = await verify(tenant)
      expect(output).not.toContain('stale')
      expect(code).toBe(0)
    }
  })
})
