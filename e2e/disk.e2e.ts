import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namespaceReport } from '../hack/diagnosis.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { configMap } from './support/objects.ts'
import { whileWriting } from './support/steady-writer.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { waitFor } from './support/wait.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

const className = 'disks-that-grow'
const setStore = (name: string, dataStore: object) =>
  superKubectl(['patch', 'tcp', name, '-n', tenantsNamespace, '--type=merge', '-p', JSON.stringify({ spec: { dataStore } })])

const conditionOf = async (name: string, type: string): Promise<Condition | undefined> => {
  const { status } = await getJson<Thing & { status?: { conditions?: Condition[] } }>(superKubectl, [
    'tcp',
    name,
    '-n',
    tenantsNamespace,
  ])
  return status?.conditions?.find((condition) => condition.type === type)
}
const textOf = (condition: Condition | undefined): string =>
  condition ? `${condition.status} ${condition.reason}: ${condition.message}` : 'nothing'

const untilSaid = ({ name, controlPlaneNamespace }: Tenant, type: string, expected: RegExp): Promise<string> =>
  waitFor(
    `${type} of ${name} to say ${expected}`,
    async () => {
      const said = textOf(await conditionOf(name, type))
      if (!expected.test(said)) throw new Error(said)
      return said
    },
    { deadlineMs: 90_000, report: () => namespaceReport(superKubectl, controlPlaneNamespace) },
  )

interface Claim extends Thing {
  readonly spec: { readonly volumeName: string; readonly resources: { readonly requests: { readonly storage: string } } }
  readonly status: { readonly phase: string; readonly capacity?: { readonly storage: string } }
}

describe('the disk of an etcd', () => {
  let tenant: Tenant
  const at = () => ['-n', tenant.controlPlaneNamespace]
  const claims = async () => (await listJson(superKubectl, ['pvc', ...at()])) as readonly Claim[]
  const asked = async () => (await claims()).map(({ spec }) => spec.resources.requests.storage)
  const members = async () => listJson(superKubectl, ['pods', ...at(), '-l', 'berth.dev/component=etcd'])
  const uids = async () => (await members()).map(({ metadata }) => metadata.uid)
  const workload = () => getJson(superKubectl, ['statefulset', 'etcd', ...at()])

  /**
   * The one part that cannot be had here: volumes of the local cluster are directories without a size, and no driver that grows volumes runs on the local cluster. So the test
   * says what an external-resizer and a kubelet would say; all else is real.
   */
  const growVolumes = async (size: string): Promise<void> => {
    for (const { metadata, spec } of await claims()) {
      const capacity = { storage: size }
      await superKubectl(['patch', 'pv', spec.volumeName, '--type=merge', '-p', JSON.stringify({ spec: { capacity } })])
      const body = JSON.stringify({ status: { capacity } })
      await superKubectl(['patch', 'pvc', metadata.name, ...at(), '--subresource=status', '--type=merge', '-p', body])
    }
  }

  beforeAll(async () => {
    await apply(superKubectl, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: className },
      provisioner: await superKubectl(['get', 'storageclass', 'standard', '-o', 'jsonpath={.provisioner}']),
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    })
    tenant = await createTenant('disk', { dataStore: { storageClassName: className, storageSize: '64Mi' } })
  })
  afterAll(async () => {
    await deleteTenants('disk', 'disk-fixed')
    await superKubectl(['delete', 'storageclass', className, '--ignore-not-found'])
  })

  test('grows while etcd serves: no pod ends, and no write fails', async () => {
    const [before, pods] = [await workload(), await uids()]
    const written = await whileWriting(tenant, 'growing', async () => {
      await setStore('disk', { storageSize: '128Mi' })
      await untilSaid(tenant, 'Growing', /^True Growing: disks grow: 0 of 1 members have 128Mi/)
      await waitFor('the volume to be asked for', async () => (await asked()).join() === '128Mi')
      await waitFor('the StatefulSet to be made anew', async () => {
        const { metadata, spec, status } = await workload()
        const [template] = (spec?.['volumeClaimTemplates'] ?? []) as readonly Claim[]
        expect(template?.spec.resources.requests.storage).toBe('128Mi')
        expect(status?.['readyReplicas']).toBe(1)
        return metadata.uid !== before.metadata.uid
      })
      await growVolumes('128Mi')
      await untilSaid(tenant, 'Growing', /^nothing$/)
      expect(textOf(await conditionOf('disk', 'DataStoreReady'))).toMatch(/^True Serving: etcd serves with 1 member/)
    })
    expect([written.retried, written.failed]).toEqual([[], []])
    expect(await uids()).toEqual(pods)
    // Those who write an object by hand keep it: the controller has taken the pod over again.
    const [pod] = (await members()) as readonly (Thing & { metadata: { ownerReferences?: { uid: string }[] } })[]
    expect(pod?.metadata.ownerReferences?.[0]?.uid).toBe((await workload()).metadata.uid)
  })

  test('is as large for members that come later', async () => {
    const [first] = await uids()
    const written = await whileWriting(tenant, 'two more members', async () => {
      await setStore('disk', { replicas: 3 })
      await untilSaid(tenant, 'DataStoreReady', /^True Serving: etcd serves with 3 member/)
    })
    expect(written.failed).toEqual([])
    expect(await asked()).toEqual(['128Mi', '128Mi', '128Mi'])
    expect(await uids()).toContain(first)
  })

  test('gives a full store its room: the member that started with less starts anew, and writes are taken again', async () => {
    const { kubectl } = tenant
    const uidOf = async (name: string) => (await members()).find(({ metadata }) => metadata.name === name)?.metadata.uid
    const before = { first: await uidOf('etcd-0'), second: await uidOf('etcd-1'), third: await uidOf('etcd-2') }
    const big = 'x'.repeat(900_000)
    // 26 MiB of the 64 MiB that it began with; its present disk is good for 51.
    const objects = Array.from({ length: 36 }, (_, index) => JSON.stringify(configMap('default', `big-${index}`, { big })))
    let refused = 0
    for (const input of objects)
      await waitFor(
        'room for one more object',
        () =>
          kubectl(['create', '-f', '-'], { input }).then(
            () => true,
            (error: unknown) => {
              refused += 1
              // It may have been written although its answer was lost with the member that gave it.
              return /AlreadyExists/.test(String(error))
            },
          ),
        { deadlineMs: 90_000, report: async () => textOf(await conditionOf('disk', 'DataStoreReady')) },
      )
    console.log(`${objects.length} objects, ${refused} refusals`)
    expect(refused).toBeGreaterThan(0)
    await untilSaid(tenant, 'DataStoreReady', /^True Serving/)
    expect(await uidOf('etcd-0')).not.toBe(before.first)
    expect([await uidOf('etcd-1'), await uidOf('etcd-2')]).toEqual([before.second, before.third])
  })

  test('of a class that does not let it grow is told in words, and everything goes on', async () => {
    const fixed = await createTenant('disk-fixed')
    await setStore('disk-fixed', { storageSize: '9Gi' })
    expect(await untilSaid(fixed, 'Growing', /^False Refused/)).toMatch(
      /storage class \S+ of data-etcd-0 does not let volumes grow/,
    )
    expect(textOf(await conditionOf('disk-fixed', 'Ready'))).toMatch(/^True/)
    await setStore('disk-fixed', { storageSize: '2Gi' })
    await untilSaid(fixed, 'Growing', /^nothing$/)
  })
})
