import { leaks, type Said, type SecretObject, type Treasure, treasures } from '../../hack/leaks.ts'
import type { KubeObject } from '../../src/apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts'
import { createKubeClient } from '../../src/kube/undici-client.ts'
import { controlPlaneLabel } from '../../src/tenancy/marks.ts'
import { systemNamespace } from '../../src/tenancy/names.ts'
import { world } from './kubectl.ts'

/** Values of Secrets that are gone: what was written of them while they were there is looked for to the end of the story. */
const remembered = new Map<string, Treasure>()

const kinds = [
  resourceTypes.tenantControlPlanes,
  resourceTypes.tenantClasses,
  resourceTypes.dataStores,
  resourceTypes.controlPlaneSnapshots,
  resourceTypes.events,
  resourceTypes.leases,
]
/** Of the namespaces with keys: there a value could stand in the clear, as an argument or in a variable. */
const ownKinds = [
  resourceTypes.configMaps,
  resourceTypes.deployments,
  resourceTypes.statefulSets,
  resourceTypes.daemonSets,
  resourceTypes.jobs,
]

const longestLog = 256 * 2 ** 20

const guardedNamespaces = async (client: KubeClient): Promise<readonly string[]> => {
  const { items } = await client.list(resourceTypes.namespaces, { labelSelector: controlPlaneLabel })
  return [systemNamespace, ...items.map(({ metadata: { name = '' } }) => name)]
}

const secretsOf = async (client: KubeClient, namespaces: readonly string[]): Promise<readonly SecretObject[]> => {
  const { items } = await client.list(resourceTypes.secrets)
  // A tenant's kubeconfig lies beside its object, in a namespace that may hold Secrets of anybody.
  return items.flatMap(({ metadata: { namespace = '', name = '' }, data }) =>
    namespaces.includes(namespace) || name.endsWith('-kubeconfig') ? [{ metadata: { namespace, name }, data }] : [],
  )
}

/** The logs of all containers of one pod. Of one that is starting or going there is none. */
const logsOf = async (client: KubeClient, { metadata: { namespace, name }, spec }: KubeObject): Promise<readonly Said[]> => {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])] as readonly { readonly name: string }[]
  const said: Said[] = []
  for (const { name: container } of containers) {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?container=${container}`
    const answer = await client.raw(path, { timeoutMs: 20_000, maxAnswerBytes: longestLog }).catch(() => undefined)
    if (answer?.status === 200) said.push({ place: `the log of ${namespace}/${name} ${container}`, text: answer.body })
  }
  return said
}

const asSaid =
  ({ kind }: ResourceType) =>
  (object: KubeObject): Said => ({
    place: `${kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`,
    text: JSON.stringify(object),
  })

/** All that is said in the clear: objects everywhere, and objects and logs of the namespaces with keys. */
const saidIn = async (client: KubeClient, namespaces: readonly string[]): Promise<readonly Said[]> => {
  const said: Said[] = []
  for (const type of kinds) said.push(...(await client.list(type)).items.map(asSaid(type)))
  for (const namespace of namespaces) {
    const { items: pods } = await client.list(resourceTypes.pods, { namespace })
    said.push(...pods.map(asSaid(resourceTypes.pods)))
    for (const type of ownKinds) said.push(...(await client.list(type, { namespace })).items.map(asSaid(type)))
    said.push(...(await Promise.all(pods.map((pod) => logsOf(client, pod)))).flat())
  }
  return said
}

/**
 * Looks for every private key, token and password of the namespaces that hold keys in all that Berth says: the logs of its processes and of control planes, Events,
 * statuses, ConfigMaps, arguments and variables. @throws with the places, never with a value.
 */
export const expectNoLeaks = async (): Promise<void> => {
  const client = createKubeClient(await loadKubeconfig(world().superKubeconfig), { userAgent: 'berth-e2e', timeoutMs: 60_000 })
  try {
    const namespaces = await guardedNamespaces(client)
    for (const treasure of treasures(await secretsOf(client, namespaces))) remembered.set(treasure.piece, treasure)
    const said = await saidIn(client, namespaces)
    const found = leaks([...remembered.values()], said)
    console.log(`looked for ${remembered.size} secret values in ${said.length} places`)
    if (found.length > 0) throw new Error(`secrets were told:\n${found.join('\n')}`)
  } finally {
    await client.close()
  }
}
