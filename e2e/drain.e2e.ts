import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apply, getJson, listJson, refusal, superKubectl, type Thing } from './support/kubectl.ts'
import { deployment, namespace, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { rolledOut, waitFor } from './support/wait.ts'

interface Placed extends Thing {
  readonly metadata: Thing['metadata'] & { readonly deletionTimestamp?: string }
  readonly spec: { readonly nodeName?: string }
}

/** The platform empties a machine: what runs there is the tenants', and so is the word on how many of it may be away. */
describe('kubectl drain by the platform', () => {
  let tenant: Tenant
  let first: string
  let second: string

  beforeAll(async () => {
    tenant = await createTenant('drained')
    await apply(tenant.kubectl, namespace('work'))
    const nodes = (await listJson(tenant.kubectl, ['nodes'])).map(({ metadata }) => metadata.name).sort()
    expect(nodes.length).toBeGreaterThanOrEqual(2)
    ;[first = '', second = ''] = nodes
  })
  afterAll(async () => {
    if (first) await superKubectl(['uncordon', first])
    await deleteTenants('drained')
  })

  const budget = (spec: object) =>
    apply(tenant.kubectl, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web', namespace: 'work' },
      spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    })
  const pods = async (): Promise<Placed[]> =>
    ((await listJson(tenant.kubectl, ['pods', '-n', 'work', '-l', 'app=web'])) as Placed[]).filter(
      ({ metadata }) => !metadata.deletionTimestamp,
    )
  const uidsOf = async (): Promise<string[]> => (await pods()).map(({ metadata }) => metadata.uid).sort()
  /** Of this tenant's pods alone: the machines of the cluster carry others' control planes as well. */
  const drain = (timeout: string) => [
    'drain',
    first,
    '--force',
    '--ignore-daemonsets',
    '--delete-emptydir-data',
    `--pod-selector=app=web,berth.dev/tenant=${tenant.uid}`,
    `--timeout=${timeout}`,
  ]

  test('is held up while the tenant can spare no pod', async () => {
    const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }
    const topologySpreadConstraints = [{ ...spread, labelSelector: { matchLabels: { app: 'web' } } }]
    await budget({ minAvailable: 2 })
    await apply(tenant.kubectl, deployment('work', 'web', 2, webServer(), { topologySpreadConstraints }))
    await rolledOut(tenant.kubectl, 'work', 'deployment/web')
    expect((await pods()).map(({ spec }) => spec.nodeName ?? '').sort()).toEqual([first, second])
    const before = await uidsOf()
    expect(await refusal(superKubectl(drain('6s')))).toMatch(/violate the pod's disruption budget/)
    expect(await uidsOf()).toEqual(before)
  })

  test('shows in the tenant as what it is: a node that takes no more pods', async () => {
    await waitFor('the cordon in the tenant', async () => {
      const { spec } = await getJson<Thing & { spec: { unschedulable?: boolean } }>(tenant.kubectl, ['node', first])
      return spec.unschedulable === true
    })
  })

  test('goes on as soon as the tenant can, and the pod comes back on another machine', async () => {
    const before = await uidsOf()
    await budget({ minAvailable: 1 })
    await waitFor('the drain done', () => superKubectl(drain('30s'), { timeoutMs: 40_000 }), { everyMs: 1000 })
    await waitFor('both pods on the other node', async () => {
      const places = (await pods()).map(({ spec }) => spec.nodeName)
      return places.length === 2 && places.every((place) => place === second)
    })
    await rolledOut(tenant.kubectl, 'work', 'deployment/web')
    const after = await uidsOf()
    expect(after.filter((uid) => before.includes(uid))).toHaveLength(1)
    await superKubectl(['uncordon', first])
    const { code } = await verify(tenant)
    expect(code).toBe(0)
  })
})
