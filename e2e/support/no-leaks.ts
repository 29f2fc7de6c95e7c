import { existsSync } from 'node:fs'
import { leaks, type Said, type SecretObject, type Treasure, treasures } from '../../hack/leaks.ts'
import type { KubeObject } from '../../src/apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts'
import { createKubeClient } from '../../src/kube/undici-client.ts'
import { controlPlaneLabel, tenantLabel } from '../../src/tenancy/marks.ts'
import { systemNamespace } from '../../src/tenancy/names.ts'
import { apiAnswers } from './api-answers.ts'
import { world } from './kubectl.ts'
import { saidInside } from './told-inside.ts'

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

interface ContainerStatus {
  readonly name: string
  readonly restartCount?: number
}

/** Logs, and those that nobody could read although they should be there. */
interface Logs {
  readonly said: readonly Said[]
  readonly unread: readonly string[]
}

/** Answers to who asks for the log of a container that is only starting, or of a pod that is gone. */
const noLog: readonly number[] = [400, 404]

/** The logs of all containers of one pod, and of those before them where the kubelet has started them again. */
const logsOf = async (client: KubeClient, { metadata: { namespace, name }, spec, status }: KubeObject): Promise<Logs> => {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])] as readonly { readonly name: string }[]
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])] as readonly ContainerStatus[]
  const said: Said[] = []
  const unread: string[] = []
  for (const { name: container } of containers) {
    const restarts = statuses.find((each) => each.name === container)?.restartCount ?? 0
    for (const previous of restarts > 0 ? ['', '&previous=true'] : ['']) {
      const place = `the log of ${namespace}/${name} ${container}${previous === '' ? '' : ' before its restart'}`
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?container=${container}${previous}`
      const answer = await client
        .raw(path, { timeoutMs: 20_000, maxAnswerBytes: longestLog, isText: true })
        .catch((error: unknown) => ({ status: 0, body: error instanceof Error ? error.message : String(error) }))
      if (answer.status === 200) said.push({ place, text: answer.body })
      else if (!noLog.includes(answer.status)) unread.push(`${place} (${answer.status} ${answer.body.split('\n', 1)[0]})`)
    }
  }
  return { said, unread }
}

const asSaid =
  ({ kind }: ResourceType) =>
  (object: KubeObject): Said => ({
    place: `${kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`,
    text: JSON.stringify(object),
  })

/** All that is said in the clear: objects everywhere, and objects and logs of the namespaces with keys. */
const saidIn = async (client: KubeClient, namespaces: readonly string[]): Promise<Logs> => {
  const said: Said[] = []
  const unread: string[] = []
  for (const type of kinds) said.push(...(await client.list(type)).items.map(asSaid(type)))
  // What tenants have in super, without what they hold their own secrets in.
  for (const type of [resourceTypes.namespaces, resourceTypes.pods])
    said.push(...(await client.list(type, { labelSelector: tenantLabel })).items.map(asSaid(type)))
  for (const namespace of namespaces) {
    const { items: pods } = await client.list<KubeObject>(resourceTypes.pods, { namespace })
    said.push(...pods.map(asSaid(resourceTypes.pods)))
    for (const type of ownKinds) said.push(...(await client.list(type, { namespace })).items.map(asSaid(type)))
    for (const logs of await Promise.all(pods.map((pod) => logsOf(client, pod)))) {
      said.push(...logs.said)
      unread.push(...logs.unread)
    }
  }
  return { said, unread }
}

/**
 * Looks for every private key, token and password of the namespaces that hold keys in all that Berth says: the logs of its processes and of control planes, Events,
 * statuses, ConfigMaps, arguments and variables, in super and in tenants, and answers of the HTTP API. @throws with the places, never with a value.
 */
export const expectNoLeaks = async (): Promise<void> => {
  const client = createKubeClient(await loadKubeconfig(world().superKubeconfig), { userAgent: 'berth-e2e', timeoutMs: 60_000 })
  try {
    const began = performance.now()
    const namespaces = await guardedNamespaces(client)
    for (const treasure of treasures(await secretsOf(client, namespaces))) remembered.set(treasure.piece, treasure)
    const [below, inside] = await Promise.all([saidIn(client, namespaces), saidInside(client)])
    const said = [...below.said, ...inside.said, ...apiAnswers()]
    const found = leaks([...remembered.values()], said)
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    console.log(`looked for ${remembered.size} secret values in ${said.length} places, ${seconds} s`)
    const silent = [...below.unread, ...inside.silent]
    if (silent.length > 0) console.log(`not looked at, as it gave no answer: ${silent.join(', ')}`)
    if (found.length > 0) throw new Error(`secrets were told:\n${found.join('\n')}`)
  } finally {
    await client.close()
  }
}

/** True when a story has left no cluster, or one without Berth: then there is nothing to look at. */
export const isNothingLeft = async (): Promise<boolean> => {
  const kubeconfig = world().superKubeconfig
  // A cluster that is taken down takes it along.
  if (!existsSync(kubeconfig)) return true
  const client = createKubeClient(await loadKubeconfig(kubeconfig), { userAgent: 'berth-e2e', timeoutMs: 20_000 })
  try {
    const { plural, group } = resourceTypes.tenantControlPlanes
    return (await client.get(resourceTypes.customResourceDefinitions, { name: `${plural}.${group}` })) === undefined
  } finally {
    await client.close()
  }
}
