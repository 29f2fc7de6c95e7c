import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everything, mentions } from './support/inventory.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { claim, idle, namespace, pod, shell } from './support/objects.ts'
import { endPods, liftRules, refusePods, ruinStore } from './support/ruin.ts'
import { createTenant, deleteTenants, type Tenant, tenantObject, tenantsNamespace } from './support/tenant.ts'
import { podReady, waitFor } from './support/wait.ts'

/** What a deletion may take, in whatever state a tenant is. */
const deadlineMs = 60_000

const conditionOf = async (name: string, type: string) => {
  const { status } = await getJson<Thing & { status?: { conditions?: { type: string; status: string; reason: string }[] } }>(
    superKubectl,
    ['tcp', name, '-n', tenantsNamespace],
  )
  return status?.conditions?.find((condition) => condition.type === type)
}
const setSpec = (name: string, spec: object) =>
  superKubectl(['patch', 'tcp', name, '-n', tenantsNamespace, '--type=merge', '-p', JSON.stringify({ spec })])

/** Waits until a tenant's step is not done, as the manager says. */
const untilNot = (name: string, type: string) =>
  waitFor(`${type} of ${name} to be false`, async () => (await conditionOf(name, type))?.status === 'False')

/** A tenant goes when it is told to, whatever has become of it. */
describe('deleting a tenant', () => {
  const uids = new Map<string, string>()
  const gone = async (...names: readonly string[]): Promise<void> => {
    const began = performance.now()
    await superKubectl(['delete', 'tcp', ...names, '-n', tenantsNamespace, '--wait', `--timeout=${deadlineMs / 1000}s`], {
      timeoutMs: deadlineMs + 10_000,
    })
    console.log(`${names.join(', ')} deleted after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  }
  const uidOf = async (name: string): Promise<string> => {
    const { metadata } = await getJson(superKubectl, ['tcp', name, '-n', tenantsNamespace])
    uids.set(name, metadata.uid)
    return metadata.uid
  }
  const started = async (name: string, spec: object = {}): Promise<Tenant> => {
    const tenant = await createTenant(name, spec)
    uids.set(name, tenant.uid)
    await apply(tenant.kubectl, namespace('work'), claim('work', 'data'), pod('work', 'web', shell(idle)))
    await podReady(tenant.kubectl, 'work', 'web')
    return tenant
  }

  let withoutStore: Tenant
  let withoutApi: Tenant
  let stuck: Tenant
  beforeAll(async () => {
    ;[withoutStore, withoutApi, stuck] = await Promise.all([started('del-store'), started('del-api'), started('del-stuck')])
  })
  afterAll(async () => {
    await liftRules('del-no-api')
    await deleteTenants(...uids.keys())
  })

  test('whose data store is ruined', async () => {
    await ruinStore(withoutStore)
    await untilNot('del-store', 'DataStoreReady')
    await gone('del-store')
  })

  test('whose API server cannot start', async () => {
    const rule = { name: 'del-no-api', namespace: withoutApi.controlPlaneNamespace, component: 'kube-apiserver' }
    await refusePods(rule)
    await waitFor('the API server refused', async () => {
      await endPods(rule)
      return (await conditionOf('del-api', 'APIServerReady'))?.reason === 'PodsRefused'
    })
    await gone('del-api')
    await liftRules('del-no-api')
  })

  test('that holds a namespace and a pod of its own by finalizers', async () => {
    const { kubectl } = stuck
    const finalizers = ['example.com/never']
    await apply(kubectl, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'work', name: 'held', finalizers },
    })
    await kubectl(['patch', 'pod', 'web', '-n', 'work', '--type=merge', '-p', JSON.stringify({ metadata: { finalizers } })])
    await kubectl(['delete', 'namespace', 'work', '--wait=false'])
    await waitFor('the namespace on its way out', async () => {
      const { status } = await getJson(kubectl, ['namespace', 'work'])
      return status?.['phase'] === 'Terminating'
    })
    await gone('del-stuck')
  })

  test('while it is being created, at whatever step', async () => {
    const names = ['del-new-1', 'del-new-2', 'del-new-3', 'del-new-4']
    await apply(superKubectl, ...names.map((name) => tenantObject(name)))
    await Promise.all(names.map(uidOf))
    // At once; with its slice; with its keys; with an API server that nobody has used yet.
    const steps: [string, () => Promise<unknown>][] = [
      ['del-new-1', async () => true],
      [
        'del-new-2',
        async () => (await getJson(superKubectl, ['tcp', 'del-new-2', '-n', tenantsNamespace])).status?.['serviceSlice'],
      ],
      ['del-new-3', async () => (await conditionOf('del-new-3', 'CertificatesReady'))?.status === 'True'],
      ['del-new-4', async () => (await conditionOf('del-new-4', 'APIServerReady'))?.status === 'True'],
    ]
    await Promise.all(
      steps.map(async ([name, reached]) => {
        await waitFor(`${name} at its step`, reached, { deadlineMs: 150_000, everyMs: 300 })
        await gone(name)
      }),
    )
  })

  test('while it is being upgraded', async () => {
    await started('del-up', { version: 'v1.36.3' })
    await setSpec('del-up', { version: 'v1.37.1' })
    await waitFor('the upgrade under way', async () => (await conditionOf('del-up', 'Upgrading'))?.status === 'True', {
      everyMs: 100,
    })
    await gone('del-up')
  })

  test('leaves nothing, whichever of these it was', async () => {
    expect(uids.size).toBe(8)
    await waitFor('nothing of them in super', async () => {
      const left = (await everything(undefined, ['Event'])).filter((object) =>
        [...uids].some(([name, uid]) => mentions(object, uid) || mentions(object, `${name}-`)),
      )
      if (left.length > 0) {
        throw new Error(left.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`).join('\n'))
      }
      return true
    })
    expect(await listJson(superKubectl, ['tcp', '-n', tenantsNamespace])).toEqual([])
  })
})
