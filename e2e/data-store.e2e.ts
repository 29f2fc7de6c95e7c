import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namespaceReport } from '../hack/diagnosis.ts'
import { apply, getJson, listJson, refusal, superKubectl, type Thing } from './support/kubectl.ts'
import { configMap, namespace } from './support/objects.ts'
import { whileWriting } from './support/steady-writer.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, waitFor } from './support/wait.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

const setStore = (name: string, dataStore: object) =>
  superKubectl(['patch', 'tcp', name, '-n', tenantsNamespace, '--type=merge', '-p', JSON.stringify({ spec: { dataStore } })])

const storeReady = async (name: string): Promise<Condition | undefined> => {
  const { status } = await getJson<Thing & { status?: { conditions?: Condition[] } }>(superKubectl, [
    'tcp',
    name,
    '-n',
    tenantsNamespace,
  ])
  return status?.conditions?.find(({ type }) => type === 'DataStoreReady')
}

const untilStore = ({ name, controlPlaneNamespace }: Tenant, expected: RegExp, deadlineMs = 120_000): Promise<Condition> =>
  waitFor(
    `the data store of ${name} to say ${expected}`,
    async () => {
      const condition = await storeReady(name)
      if (!condition || !expected.test(`${condition.status} ${condition.reason}: ${condition.message}`))
        throw new Error(JSON.stringify(condition))
      return condition
    },
    { deadlineMs, report: () => namespaceReport(superKubectl, controlPlaneNamespace) },
  )

const namesOf = (things: readonly Thing[]): string[] => things.map(({ metadata }) => metadata.name).sort()

describe('a data store of its own', () => {
  let tenant: Tenant
  const planeOf = (kind: string, selector: string) =>
    listJson(superKubectl, [kind, '-n', tenant.controlPlaneNamespace, '-l', `berth.dev/component=${selector}`])
  const uidsOf = async (component: string) => (await planeOf('pods', component)).map(({ metadata }) => metadata.uid).sort()
  const members = async () => namesOf(await planeOf('pods', 'etcd'))
  const claims = async () => namesOf(await listJson(superKubectl, ['pvc', '-n', tenant.controlPlaneNamespace]))
  const budgets = async () => namesOf(await listJson(superKubectl, ['pdb', '-n', tenant.controlPlaneNamespace]))
  let apiServers: readonly string[] = []

  beforeAll(async () => {
    tenant = await createTenant('stores')
    await apply(tenant.kubectl, namespace('work'), configMap('work', 'kept', { key: 'value' }))
    apiServers = await uidsOf('kube-apiserver')
  })
  afterAll(() => deleteTenants('stores'))
  const kept = () => tenant.kubectl(['get', 'configmap', 'kept', '-n', 'work', '-o', 'jsonpath={.data.key}'])

  /** When the tenant became ready last: it stays so while its members change. */
  const readySince = () =>
    superKubectl([
      'get',
      'tcp',
      'stores',
      '-n',
      tenantsNamespace,
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Ready")].lastTransitionTime}',
    ])

  test('grows from one member to three under a client that writes all the time', async () => {
    const ready = await readySince()
    const [first] = await planeOf('pods', 'etcd')
    const written = await whileWriting(tenant, 'growing', async () => {
      await setStore('stores', { replicas: 3 })
      await untilStore(tenant, /^True Serving: etcd serves with 3 member/)
    })
    expect(written.failed).toEqual([])
    expect(await members()).toEqual(['etcd-0', 'etcd-1', 'etcd-2'])
    expect(await claims()).toEqual(['data-etcd-0', 'data-etcd-1', 'data-etcd-2'])
    expect(await budgets()).toEqual(['etcd'])
    expect(await kept()).toBe('value')
    expect(await uidsOf('etcd')).toContain(first?.metadata.uid)
    expect(await readySince()).toBe(ready)
    expect(await uidsOf('kube-apiserver')).toEqual(apiServers)
  })

  test('takes back a change in the middle of it, and takes it up again', async () => {
    const ready = await readySince()
    const written = await whileWriting(tenant, 'there and back', async () => {
      await setStore('stores', { replicas: 1 })
      await waitFor(
        'the first member to go',
        async () =>
          (await getJson(superKubectl, ['statefulset', 'etcd', '-n', tenant.controlPlaneNamespace])).spec?.['replicas'] !== 3,
      )
      await setStore('stores', { replicas: 3 })
      await untilStore(tenant, /^True Serving: etcd serves with 3 member/)
    })
    expect(written.failed).toEqual([])
    expect(await members()).toEqual(['etcd-0', 'etcd-1', 'etcd-2'])
    expect(await kept()).toBe('value')
    expect(await readySince()).toBe(ready)
  })

  test('goes on without any one of its members, also the one that leads', async () => {
    const written = await whileWriting(tenant, 'members ended one by one', async () => {
      for (const member of ['etcd-0', 'etcd-1', 'etcd-2']) {
        await superKubectl(['delete', 'pod', member, '-n', tenant.controlPlaneNamespace])
        await podReady(superKubectl, tenant.controlPlaneNamespace, member)
      }
    })
    expect(written.failed).toEqual([])
  })

  test('replaces a member that has lost its volume', async () => {
    const written = await whileWriting(tenant, 'replacing', async () => {
      const at = ['-n', tenant.controlPlaneNamespace]
      const before = await getJson(superKubectl, ['pvc', 'data-etcd-1', ...at])
      await superKubectl(['delete', 'pvc', 'data-etcd-1', ...at, '--wait=false'])
      await superKubectl(['delete', 'pod', 'etcd-1', ...at, '--now'])
      await waitFor('a new volume', async () => {
        const claim = await getJson(superKubectl, ['pvc', 'data-etcd-1', ...at])
        return claim.metadata.uid !== before.metadata.uid
      })
      await untilStore(tenant, /etcd-1 (has lost its data and is replaced|is being added|is started anew|is on its way)/)
      await untilStore(tenant, /^True Serving: etcd serves with 3 member/)
    })
    expect(written.failed).toEqual([])
    expect(await members()).toEqual(['etcd-0', 'etcd-1', 'etcd-2'])
    expect(await kept()).toBe('value')
  })

  test('shrinks to one member, and starts nothing anew for that', async () => {
    const ready = await readySince()
    const [first] = (await planeOf('pods', 'etcd')).filter(({ metadata }) => metadata.name === 'etcd-0')
    const written = await whileWriting(tenant, 'shrinking', async () => {
      await setStore('stores', { replicas: 1 })
      await untilStore(tenant, /^True Serving: etcd serves with 1 member/)
    })
    expect(written.failed).toEqual([])
    const left = await planeOf('pods', 'etcd')
    expect(left.map(({ metadata }) => metadata.uid)).toEqual([first?.metadata.uid])
    await waitFor('only the volume of the member that is left', async () => (await claims()).join() === 'data-etcd-0')
    expect(await budgets()).toEqual([])
    expect(await kept()).toBe('value')
    expect(await uidsOf('kube-apiserver')).toEqual(apiServers)
    expect(await readySince()).toBe(ready)
    await verify(tenant)
  })
})

describe('a data store that is full', () => {
  let tenant: Tenant
  const big = 'x'.repeat(900_000)
  const name = (count: number) => `big-${count}`

  beforeAll(async () => {
    tenant = await createTenant('full', { dataStore: { storageSize: '64Mi' } })
  })
  afterAll(() => deleteTenants('full'))

  test('is told of with what helps, and takes writes again by itself when there is room', async () => {
    const { kubectl } = tenant
    let count = 0
    let refused = 0
    // What of it is history is given back at first, and writes are taken again: so it goes on until nothing helps any more.
    const told = await waitFor(
      'a store that is full of what is in use',
      async () => {
        const input = JSON.stringify(configMap('default', name(count), { big }))
        await kubectl(['create', '-f', '-'], { input }).then(
          () => {
            count += 1
          },
          (error: unknown) => {
            expect(String(error)).toMatch(/database space exceeded/)
            refused += 1
          },
        )
        const condition = await storeReady('full')
        return condition?.reason === 'StoreFull' && condition.message.startsWith('etcd is full and') ? condition : undefined
      },
      { deadlineMs: 120_000, report: () => namespaceReport(superKubectl, tenant.controlPlaneNamespace) },
    )
    console.log(`full after ${count} objects, told after ${refused} refusals: ${told.message}`)
    expect(told.message).toMatch(/takes no writes: \d+ MiB of 26 MiB are in use\. Delete objects of the tenant/)
    const ready = await superKubectl([
      'get',
      'tcp',
      'full',
      '-n',
      tenantsNamespace,
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Ready")].message}',
    ])
    expect(ready).toMatch(/^data store: etcd is full/)
    expect(await refusal(kubectl(['create', 'namespace', 'one-more']))).toMatch(/database space exceeded/)

    await kubectl(
      [
        'delete',
        'configmap',
        '-n',
        'default',
        ...Array.from({ length: 30 }, (_, index) => name(index)),
        '--ignore-not-found',
        '--wait=false',
      ],
      {
        timeoutMs: 60_000,
      },
    )
    await untilStore(tenant, /^True Serving/)
    await kubectl(['create', 'namespace', 'one-more'])
    await superKubectl(['wait', '--for=condition=Ready', 'tcp/full', '-n', tenantsNamespace, '--timeout=60s'], {
      timeoutMs: 70_000,
    })
  })
})
