import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import { explainError } from '../src/lib/errors.ts'
import { loadNamespace } from './load-kinds.ts'
import { gapOf, isReady, podsOf } from './pod-groups.ts'
import { type ChaosTenant, complaintsOf, readTenant } from './tenants.ts'
import type { ChaosWorld, PodGroup } from './world.ts'

/** What of a Deployment is still under way, in words; undefined when its status is about its spec and all its pods are there. Pure. */
export const rolloutGap = ({ metadata, spec, status }: KubeObject): string | undefined => {
  const wanted = spec?.replicas ?? 1
  const { replicas = 0, readyReplicas = 0, updatedReplicas = 0, observedGeneration } = status ?? {}
  const done =
    observedGeneration === metadata.generation && replicas === wanted && readyReplicas === wanted && updatedReplicas === wanted
  return done
    ? undefined
    : `Deployment ${metadata.name}: ${readyReplicas} Ready, ${updatedReplicas} of the newest template and ${replicas} in all of ${wanted} pods`
}

/** What of a tenant's load is still under way. */
const loadGaps = async ({ name, client }: ChaosTenant): Promise<string[]> => {
  const at = { namespace: loadNamespace }
  const [deployments, pods, claims] = await Promise.all([
    client.list(resourceTypes.deployments, at),
    client.list(resourceTypes.pods, at),
    client.list(resourceTypes.persistentVolumeClaims, at),
  ])
  return [
    ...deployments.items.flatMap((each) => rolloutGap(each) ?? []),
    ...pods.items
      .filter((pod) => !isReady(pod))
      .map(({ metadata, status }) => `pod ${metadata.name} ${metadata.deletionTimestamp ? 'is going' : `is ${status?.phase}`}`),
    ...claims.items
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ metadata }) => `claim ${metadata.name} is going`),
  ].map((gap) => `tenant ${name}: ${gap}`)
}

const readable = async (what: string, read: () => Promise<string[]>): Promise<string[]> =>
  read().catch((error: unknown) => [`${what} cannot be read: ${explainError(error)}`])

/** All that is not at rest or not Ready: nodes, Berth, control planes, the pods and claims of the load. Empty when all is quiet. */
export const gapsOf = async (world: ChaosWorld, groups: readonly PodGroup[]): Promise<string[]> => {
  const { superClient, tenants } = world
  const all = await Promise.all([
    readable('nodes', async () => {
      const { items } = await superClient.list(resourceTypes.nodes)
      return items.filter((node) => !isReady(node)).map(({ metadata }) => `node ${metadata.name} is not Ready`)
    }),
    ...groups.map((group) =>
      readable(group.part, async () => {
        const gap = gapOf(group, await podsOf(superClient, group))
        return gap ? [gap] : []
      }),
    ),
    ...tenants.map(({ name }) => readable(name, async () => complaintsOf(name, await readTenant(superClient, name)))),
    ...tenants.map((tenant) => readable(`load of ${tenant.name}`, () => loadGaps(tenant))),
  ])
  return all.flat()
}
