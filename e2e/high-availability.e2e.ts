import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namespaceReport } from '../hack/diagnosis.ts'
import { apply, getJson, listJson, refusal, superKubectl, type Thing } from './support/kubectl.ts'
import { configMap } from './support/objects.ts'
import { whileWriting } from './support/steady-writer.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { waitFor } from './support/wait.ts'

interface Placed extends Thing {
  readonly spec: { readonly nodeName?: string }
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

const isReady = ({ status }: Placed): boolean =>
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false

/** Three members of etcd, two API servers, two controller managers: any of them may go. */
describe('a control plane of several replicas', () => {
  let tenant: Tenant
  beforeAll(async () => {
    tenant = await createTenant('steady', { dataStore: { replicas: 3 } })
    await apply(tenant.kubectl, configMap('default', 'kept', { key: 'value' }))
  })
  afterAll(() => deleteTenants('steady'))

  const patch = (spec: object) =>
    superKubectl(['patch', 'tcp', 'steady', '-n', tenantsNamespace, '--type=merge', '-p', JSON.stringify({ spec })])
  const podsOf = async (component: string): Promise<Placed[]> =>
    (await listJson(superKubectl, [
      'pods',
      '-n',
      tenant.controlPlaneNamespace,
      '-l',
      `berth.dev/component=${component}`,
    ])) as Placed[]
  const uidsOf = async (component: string) => (await podsOf(component)).map(({ metadata }) => metadata.uid).sort()
  const components = { etcd: 3, 'kube-apiserver': 2, 'kube-controller-manager': 2 }

  /** All replicas serve, and none is of a revision that `before` had, if it is given. */
  const untilAll = (before?: readonly string[]) =>
    waitFor(
      'all replicas of all components',
      async () => {
        for (const [component, count] of Object.entries(components)) {
          const pods = await podsOf(component)
          const old = pods.filter(({ metadata }) => before?.includes(metadata.uid))
          if (pods.length !== count || !pods.every(isReady) || old.length > 0)
            throw new Error(
              `${component}: ${pods.filter(isReady).length} of ${pods.length} pods serve, ${old.length} are of before`,
            )
        }
        return true
      },
      { deadlineMs: 150_000, report: () => namespaceReport(superKubectl, tenant.controlPlaneNamespace) },
    )
  test('more replicas start nothing anew that serves, and lie on several nodes', async () => {
    const before = [...(await uidsOf('etcd')), ...(await uidsOf('kube-apiserver'))]
    const written = await whileWriting(tenant, 'more replicas', async () => {
      await patch({ apiServer: { replicas: 2 }, controllerManager: { replicas: 2 } })
      await untilAll()
    })
    expect(written.failed).toEqual([])
    expect([...(await uidsOf('etcd')), ...(await uidsOf('kube-apiserver'))]).toEqual(expect.arrayContaining(before))
    for (const component of Object.keys(components))
      expect(new Set((await podsOf(component)).map(({ spec }) => spec.nodeName)).size).toBeGreaterThan(1)
  })

  test('rolls all of it under a client that writes all the time', async () => {
    const before = (await Promise.all(Object.keys(components).map(uidsOf))).flat()
    const written = await whileWriting(tenant, 'rolling everything', async () => {
      await patch({ size: 'medium' })
      await untilAll(before)
    })
    expect(written.failed).toEqual([])
  })

  test('lets one replica of each go at a time', async () => {
    const evict = async ({ metadata }: Placed) =>
      superKubectl(
        ['create', '--raw', `/api/v1/namespaces/${tenant.controlPlaneNamespace}/pods/${metadata.name}/eviction`, '-f', '-'],
        {
          input: JSON.stringify({
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name: metadata.name, namespace: tenant.controlPlaneNamespace },
          }),
        },
      )
    const written = await whileWriting(tenant, 'evictions', async () => {
      for (const component of Object.keys(components)) {
        const [first, second] = await podsOf(component)
        if (!first || !second) throw new Error(`${component} has too few pods`)
        // The disruption budget counts them a moment after they are Ready.
        await waitFor('an eviction that is allowed', () => evict(first).then(() => true))
        expect(await refusal(evict(second))).toMatch(/disruption budget/)
        await untilAll()
      }
    })
    expect(written.failed).toEqual([])
  })

  test('another controller manager takes over from one that is gone', async () => {
    const leader = await waitFor('a leader that runs', async () => {
      const { spec } = await getJson(tenant.kubectl, ['lease', 'kube-controller-manager', '-n', 'kube-system'])
      const holder = String(spec?.['holderIdentity']).split('_')[0]
      return (await podsOf('kube-controller-manager')).map(({ metadata }) => metadata.name).find((name) => name === holder)
    })
    await superKubectl(['delete', 'pod', leader, '-n', tenant.controlPlaneNamespace, '--force', '--grace-period=0'])
    await tenant.kubectl(['create', 'namespace', 'after'])
    await waitFor('the default ServiceAccount of a new namespace', async () =>
      (await listJson(tenant.kubectl, ['serviceaccounts', '-n', 'after'])).some(({ metadata }) => metadata.name === 'default'),
    )
    await untilAll()
  })

  test('is paused and wakes with all its members and data', async () => {
    const until = (condition: string) =>
      superKubectl(['wait', `--for=condition=${condition}`, 'tcp/steady', '-n', tenantsNamespace, '--timeout=90s'], {
        timeoutMs: 100_000,
      })
    await patch({ state: 'Paused' })
    await until('Paused')
    expect(await uidsOf('etcd')).toEqual([])
    await patch({ state: 'Running' })
    await until('Paused=false')
    await until('Ready')
    await untilAll()
    expect(await tenant.kubectl(['get', 'configmap', 'kept', '-n', 'default', '-o', 'jsonpath={.data.key}'])).toBe('value')
    await verify(tenant)
  })
})
