import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { pods } from '../src/syncer/resources/pods.ts'
import { wantedObject } from '../src/syncer/super-object.ts'
import { tenantLabel } from '../src/tenancy/marks.ts'
import { workloadServiceAccount } from '../src/tenancy/names.ts'
import { inFlight } from './in-flight.ts'
import { makeNamespace, removeNamespaces, removePods, until } from './namespaces.ts'
import { benchPod, runLabel } from './pod-body.ts'
import { isReady, watchPods } from './pod-watch.ts'
import { type BenchTenant, measureDeadlineMs, type Rig, tenantOf } from './rig.ts'
import { madeFrom, type Way } from './way.ts'

/** As long as the label it stands for, so that bodies are as large as Berth's, but no syncer takes the objects for its own. */
const standInLabel = tenantLabel.replace('berth.dev', 'bench.dev')

/** What the four writes of a pod carry: made before the clock starts. */
interface Template {
  readonly superPod: KubeObject
  readonly status: unknown
}

/** A pod as Berth would write it to super, but for names, owner label and namespace. */
const superTemplate = (tenantPod: KubeObject, { ctx }: BenchTenant): KubeObject => {
  const wanted = wantedObject(pods, tenantPod, ctx)
  if (wanted.kind !== 'object')
    throw new Error(`Berth would not write the pod of the benchmark to super: ${JSON.stringify(wanted)}`)
  const { [tenantLabel]: uid = '', ...labels } = wanted.object.metadata.labels ?? {}
  return { ...wanted.object, metadata: { ...wanted.object.metadata, labels: { ...labels, [standInLabel]: uid } } }
}

/** The Node is in the tenant before pods are bound to it, as with Berth, or the tenant's garbage collector takes them away. */
const copyNodes = async ({ superClient, kwokNodes }: Rig, client: KubeClient): Promise<void> => {
  for (const name of kwokNodes) {
    if (await client.get(resourceTypes.nodes, { name })) continue
    const node = await superClient.get(resourceTypes.nodes, { name })
    const { labels = {} } = node?.metadata ?? {}
    await client.create(resourceTypes.nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels },
      spec: {},
      status: node?.status,
    })
  }
}

/**
 * The API writes of the tenant path, one after the other for each pod, with no logic in between: create in the tenant, create in super, bind in the
 * tenant, status in the tenant. A pod ends with the answer to the fourth. Nothing is waited for that is not a write.
 */
export const idealWay = (rig: Rig): Way => {
  const { superClient, tenants, kwokNodes, inFlight: limit } = rig
  const superNamespaceOf = (round: string, { name }: BenchTenant): string => `bench-ideal-${round}-${name}`
  const superNamespaces = (round: string): string[] => tenants.map((tenant) => superNamespaceOf(round, tenant))
  const templates = new Map<BenchTenant, Template>()

  /** One pod by hand on each side, for the server's defaults and a status as kwok writes it. */
  const makeTemplate = async (round: string, tenant: BenchTenant): Promise<Template> => {
    const run = `${round}-template`
    const body = benchPod({ name: `checkout-${run}`, namespace: `bench-${round}`, run })
    const tenantPod = await tenant.client.create(resourceTypes.pods, body)
    const superPod = superTemplate(tenantPod, tenant)
    const namespace = superNamespaceOf(round, tenant)
    const ref = { name: superPod.metadata.name ?? '', namespace }
    await superClient.create(resourceTypes.pods, { ...superPod, metadata: { ...superPod.metadata, namespace } })
    let live: KubeObject | undefined
    await until('a pod on a kwok node', 60_000, async () => {
      live = await superClient.get(resourceTypes.pods, ref)
      return live !== undefined && isReady(live)
    })
    await superClient.delete(resourceTypes.pods, ref, { gracePeriodSeconds: 0 })
    await tenant.client.delete(resourceTypes.pods, { name: ref.name, namespace: `bench-${round}` }, { gracePeriodSeconds: 0 })
    return { superPod, status: live?.status }
  }

  const makePod = async (index: number, { round, run }: { round: string; run: string }): Promise<void> => {
    const tenant = tenantOf(tenants, index)
    const template = templates.get(tenant)
    if (!template) throw new Error('the way was not prepared')
    const { superPod, status } = template
    const name = `checkout-${run}-${index}`
    const ref = { name, namespace: `bench-${round}` }
    const node = kwokNodes[index % kwokNodes.length] ?? ''
    const { uid } = (await tenant.client.create(resourceTypes.pods, benchPod({ ...ref, run }))).metadata
    const labels = { ...superPod.metadata.labels, [runLabel]: run }
    await superClient.create(resourceTypes.pods, {
      ...superPod,
      metadata: { ...superPod.metadata, name, namespace: superNamespaceOf(round, tenant), labels },
    })
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { ...ref, ...(uid && { uid }) },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    await tenant.client.create(resourceTypes.pods, binding, { subresource: 'binding' })
    await tenant.client.patch(resourceTypes.pods, ref, { metadata: { uid }, status }, { type: 'merge', subresource: 'status' })
  }

  return {
    name: 'ideal',
    syncer: false,
    prepare: async (round) => {
      for (const name of superNamespaces(round)) {
        await makeNamespace(superClient, name, { 'pod-security.kubernetes.io/enforce': 'baseline' })
        const metadata = { name: workloadServiceAccount, namespace: name }
        await superClient.create(resourceTypes.serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
      }
      await Promise.all(
        tenants.map(async (tenant) => {
          await makeNamespace(tenant.client, `bench-${round}`)
          await copyNodes(rig, tenant.client)
          templates.set(tenant, await makeTemplate(round, tenant))
        }),
      )
    },
    make: async (count, names) => {
      const watch = await watchPods(superClient, `${runLabel}=${names.run}`)
      const starts = new Map<string, number>()
      const ends = new Map<string, number>()
      try {
        await inFlight(count, limit, async (index) => {
          const key = String(index)
          starts.set(key, performance.now())
          await makePod(index, names)
          ends.set(key, performance.now())
        })
        const made = madeFrom(starts, ends)
        // Not part of the measurement: super is at rest before the next one begins.
        await watch.whenReady(count, measureDeadlineMs)
        return made
      } finally {
        watch.stop()
      }
    },
    removePods: async (run) => {
      const selector = `${runLabel}=${run}`
      await Promise.all(
        [superClient, ...tenants.map(({ client }) => client)].map((client) => removePods(client, selector, limit)),
      )
    },
    finish: async (round) => {
      await removeNamespaces(superClient, superNamespaces(round))
      await Promise.all(tenants.map(({ client }) => removeNamespaces(client, [`bench-${round}`])))
    },
  }
}
