import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError, explainError, hasCode } from '../../lib/errors.ts'
import { fieldManager } from '../names.ts'

/** Name of what the gate writes, in kube-system of the tenant. None of it goes down, and it is gone afterwards. */
export const probeName = 'berth-upgrade-probe'

/** One request takes no longer: what is slower is no answer. */
const timeoutMs = 5_000
/** All of it together. */
const gateMs = 30_000
/** Lists are read in pages, without specs and data, up to so many objects of a kind: each of them is read from the store and decoded for it. */
const page = { limit: 200, metadataOnly: true, maxAnswerBytes: 8 * 1024 * 1024, timeoutMs } as const
const mostPages = 25

interface Discovered {
  readonly groupVersion?: string
  readonly resources?: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
    readonly verbs: readonly string[]
  }[]
}

const discover = async (path: string, tenantKube: KubeClient, signal: AbortSignal): Promise<Discovered> => {
  const { status, body } = await tenantKube.raw(path, { signal, timeoutMs, maxAnswerBytes: 4 * 1024 * 1024 })
  if (status !== 200) throw new AppError('KUBE_SERVER_ERROR', `${path} answers with ${status}`, {})
  return JSON.parse(body) as Discovered
}

const apiServices: ResourceType = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
}

/** The label by which kube-aggregator knows groups that are compiled in (kube-aggregator pkg/controllers/autoregister): `onstart`. */
const builtIn = 'kube-aggregator.kubernetes.io/automanaged=onstart'

/** Every kind that the API server itself stores, in each version that it serves. Those of others are the tenant's own matter. */
const builtInKinds = async (tenantKube: KubeClient, signal: AbortSignal): Promise<readonly ResourceType[]> => {
  const { items } = await tenantKube.list(apiServices, { labelSelector: builtIn, signal, timeoutMs })
  if (items.length === 0) throw new AppError('KUBE_SERVER_ERROR', 'the API server does not say which groups it serves', {})
  const found = await Promise.all(
    items.map(async ({ spec }): Promise<ResourceType[]> => {
      const { group = '', version = '' } = (spec ?? {}) as { group?: string; version?: string }
      const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
      const { resources = [] } = await discover(path, tenantKube, signal)
      return resources
        .filter(({ name, verbs }) => verbs.includes('list') && !name.includes('/'))
        .map(({ name, kind, namespaced }) => ({ group, version, plural: name, kind, namespaced }))
    }),
  )
  return found.flat()
}

const listAll = async (type: ResourceType, tenantKube: KubeClient, signal: AbortSignal): Promise<void> => {
  let continueToken: string | undefined
  for (let pages = 0; pages < mostPages; pages += 1) {
    const { metadata } = await tenantKube.list(type, { ...page, ...(continueToken && { continueToken }), signal })
    continueToken = metadata.continue
    if (!continueToken) return
  }
}

/** What a kind's list was refused with, when it is the stored data that cannot be read: no webhook has a part in a list, and what passes is not told as 500. */
class DataRefusal extends Error {}

const isOfData = (error: unknown): boolean => hasCode(error, 'KUBE_SERVER_ERROR') && error.details['status'] === 500

/** One kind after the other: of a tenant's answers only one is in memory. */
const listEveryKind = async (tenantKube: KubeClient, signal: AbortSignal): Promise<void> => {
  for (const type of await builtInKinds(tenantKube, signal)) {
    try {
      await listAll(type, tenantKube, signal)
    } catch (cause) {
      // A list that is older than its next page begins anew another time.
      if (hasCode(cause, 'KUBE_GONE')) continue
      const message = `${type.plural} cannot be listed`
      throw isOfData(cause) ? new DataRefusal(message, { cause }) : new AppError('KUBE_SERVER_ERROR', message, { cause })
    }
  }
}

const ref = { name: probeName, namespace: 'kube-system' }

const writeAndRead = async (tenantKube: KubeClient, signal: AbortSignal, word: string): Promise<void> => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: ref, data: { word } }
  await tenantKube.apply(resourceTypes.configMaps, object, { fieldManager, force: true, signal, timeoutMs })
  const read = await tenantKube.get(resourceTypes.configMaps, ref, { signal, timeoutMs })
  if ((read?.data as Record<string, unknown> | undefined)?.['word'] !== word)
    throw new AppError('KUBE_SERVER_ERROR', 'what was written is not what is read', {})
}

const askForToken = async (tenantKube: KubeClient, signal: AbortSignal): Promise<void> => {
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: 'default', namespace: 'kube-system' },
    spec: { expirationSeconds: 600 },
  }
  const answer = await tenantKube.create<KubeObject>(resourceTypes.serviceAccounts, request, {
    subresource: 'token',
    signal,
    timeoutMs,
  })
  if (typeof answer.status?.token !== 'string') throw new AppError('KUBE_SERVER_ERROR', 'no token was made', {})
}

/** A ReplicaSet of no pods: the controller manager says that it has seen it. */
const probeSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: ref,
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: probeName } },
    template: {
      metadata: { labels: { app: probeName } },
      spec: { containers: [{ name: 'none', image: 'none.invalid/none' }] },
    },
  },
}

/** True when the controller manager has seen what was made in this or an earlier round. */
const controllersAct = async (tenantKube: KubeClient, signal: AbortSignal): Promise<boolean> => {
  const set = await tenantKube.get(resourceTypes.replicaSets, ref, { signal, timeoutMs })
  if (!set) {
    await tenantKube.create<KubeObject>(resourceTypes.replicaSets, probeSet, { signal, timeoutMs })
    return false
  }
  return (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 1)
}

/** Takes away what the gate has written. */
export const clearGate = async (tenantKube: KubeClient, signal: AbortSignal): Promise<void> => {
  await tenantKube.delete(resourceTypes.configMaps, ref, { signal, timeoutMs })
  await tenantKube.delete(resourceTypes.replicaSets, ref, { signal, timeoutMs })
}

/** What the gate was refused. */
export interface GateRefusal {
  readonly message: string
  /** What is stored cannot be read, whoever asks. */
  readonly isOfData: boolean
}

/**
 * Real requests with the published credentials that a control plane of `version` has to answer: its version, a list of everything of every kind it stores, a
 * write that is read again, a token, and a controller that acts. Gives what was refused; undefined when all is well.
 */
export const askGate = async (
  { version, word }: { readonly version: string; readonly word: string },
  tenantKube: KubeClient,
  signal: AbortSignal,
): Promise<GateRefusal | undefined> => {
  const refused = (message: string): GateRefusal => ({ message, isOfData: false })
  const within = AbortSignal.any([signal, AbortSignal.timeout(gateMs)])
  try {
    const { gitVersion } = (await discover('/version', tenantKube, within)) as { gitVersion?: string }
    if (gitVersion !== version) return refused(`the API server says that it is ${gitVersion ?? 'of no version'}, not ${version}`)
    const acted = await controllersAct(tenantKube, within)
    await writeAndRead(tenantKube, within, word)
    await askForToken(tenantKube, within)
    await listEveryKind(tenantKube, within)
    if (acted || (await controllersAct(tenantKube, within))) return undefined
    return refused('the controller manager has not acted on a new ReplicaSet yet')
  } catch (error) {
    // Given up by us, not by the tenant.
    if (signal.aborted) throw error
    return { message: explainError(error), isOfData: error instanceof DataRefusal }
  }
}
