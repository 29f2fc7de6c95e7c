import { expect } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { addressManagerLabel, berthDomain } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aService } from './builders.ts'
import { eventually } from './eventually.ts'
import type { SyncClusters, SyncTenant } from './sync-clusters.ts'

const { services, ipAddresses, events } = resourceTypes
const soon = { deadlineMs: 30_000 }

/** A port as the API server completes it. */
export const http = { name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }

/** Services of one tenant's namespace `shop`, seen from both sides. What they are in may come to be after the story. */
export const serviceStory = (setting: () => { readonly clusters: SyncClusters; readonly tenant: SyncTenant }) => {
  const tenant = () => setting().tenant.api.client
  const superClient = () => setting().clusters.superApi.client
  const below = () => superNamespace(setting().tenant.ref, 'shop')
  const at = (name: string) => ({ name, namespace: 'shop' })

  const inSuper = (name: string) => superClient().get<KubeObject>(services, { name, namespace: below() })
  const inTenant = async (name: string): Promise<KubeObject> => {
    const service = await tenant().get<KubeObject>(services, at(name))
    if (!service) throw new Error(`the tenant has no Service ${name}`)
    return service
  }

  /** Whoever waited in vain wants to know what the syncer said of it. */
  const toldBeside = async (name: string, cause: unknown): Promise<never> => {
    const { items } = await tenant().list<KubeObject>(events, { namespace: 'shop' })
    const words = items
      .filter(({ involvedObject }) => involvedObject.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`)
    const { spec } = await inTenant(name)
    const held = await Promise.all(
      ((spec.clusterIPs ?? []) as string[]).map(async (address) => {
        const found = await superClient().get<KubeObject>(ipAddresses, { name: address })
        const { namespace, name: holder } = found?.spec.parentRef ?? {}
        return `${address} ${found ? `of ${namespace}/${holder} since ${found.metadata.creationTimestamp}` : 'free'}`
      }),
    )
    throw new Error(
      `${cause instanceof Error ? cause.message : String(cause)}\nEvents of ${name}: ${words.join('; ') || 'none'}\nits addresses in super: ${held.join(', ')}`,
      { cause },
    )
  }

  return {
    below,
    at,
    inSuper,
    inTenant,
    create: (name: string, spec: object, metadata: object = {}): Promise<KubeObject> =>
      tenant().create(services, aService({ metadata: { ...at(name), ...metadata }, spec: spec as Record<string, unknown> })),
    patch: (name: string, spec: object) => tenant().patch<KubeObject>(services, at(name), { spec }, { type: 'merge' }),

    /** The spec in super is the tenant's to the last field; a Service of one family is no more in a super of two. */
    agree: (name: string): Promise<KubeObject> =>
      eventually(
        async () => {
          const [wanted, live] = [await inTenant(name), await inSuper(name)]
          if (wanted.spec.type === 'ExternalName') {
            expect(live).toBeUndefined()
            return wanted
          }
          const policy = wanted.spec.ipFamilies?.length === 1 ? { ipFamilyPolicy: 'SingleStack' } : {}
          expect(live?.spec).toEqual({ ...wanted.spec, ...policy })
          return live
        },
        { ...soon, describe: `both sides of ${name}` },
      ).catch((error: unknown) => toldBeside(name, error)),

    /** The Event that the tenant finds about a Service. */
    told: (name: string, reason: string): Promise<KubeObject> =>
      eventually(
        async () => {
          const { items } = await tenant().list<KubeObject>(events, { namespace: 'shop' })
          return items.find((event) => event.reason === reason && event.involvedObject.name === name)
        },
        { ...soon, describe: `the event ${reason} of ${name}` },
      ),

    /** A Service of super that is no tenant's. */
    foreign: (name: string, spec: object) =>
      superClient().create(
        services,
        aService({ metadata: { name, namespace: 'default' }, spec: spec as Record<string, unknown> }),
      ),

    /** The tenant's allocator is kept from giving the address out. */
    burnt: (address: string) =>
      eventually(
        async () => (await tenant().get(ipAddresses, { name: address }))?.metadata.labels?.[addressManagerLabel] === berthDomain,
        { ...soon, describe: `${address} burnt` },
      ),
    freed: (address: string) =>
      eventually(async () => (await tenant().get(ipAddresses, { name: address })) === undefined, {
        ...soon,
        describe: `${address} freed`,
      }),
  }
}
