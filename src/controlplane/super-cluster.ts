import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlaneStatus } from '../apis/tenant-status.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError, explainError } from '../lib/errors.ts'

/** What a look at super gave. */
export type SuperLook =
  | { readonly kind: 'answers'; readonly uid: string }
  /** For people: what happened, and what to do. */
  | { readonly kind: 'away'; readonly message: string }

/** The cluster whose nodes run the pods of tenants. */
export interface SuperCluster {
  /** The manager's own account there; where management is super, its only one. */
  readonly kube: KubeClient
  readonly isApart: boolean
  /** Ranges of its pods, to which API servers of tenants may speak: admission webhooks and aggregated APIs run there. */
  readonly podCidrs: readonly string[]
  /** Which cluster it is, and whether it answers: asked anew every few seconds when it is another one than management. */
  look(signal: AbortSignal): Promise<SuperLook>
}

const answerTimeoutMs = 3000
/** So long an answer counts. A call that fails meanwhile tells by itself. */
const lookedMs = 5000

/** How a cluster that is away fails a call. */
export const silences = ['KUBE_UNREACHABLE', 'KUBE_TIMEOUT'] as const

const identityOf = async (kube: KubeClient, signal: AbortSignal): Promise<string> => {
  const { namespaces } = resourceTypes
  const system = await kube.get<KubeObject>(namespaces, { name: 'kube-system' }, { signal, timeoutMs: answerTimeoutMs })
  if (system?.metadata.uid) return system.metadata.uid
  throw new AppError('KUBE_NOT_FOUND', 'it has no namespace kube-system', {})
}

/** Management itself: a management that does not answer is an error like any other. */
export const sameCluster = (kube: KubeClient): SuperCluster => {
  let uid: string | undefined
  return {
    kube,
    isApart: false,
    podCidrs: [],
    look: async (signal) => {
      uid ??= await identityOf(kube, signal)
      return { kind: 'answers', uid }
    },
  }
}

/** Another cluster, which may be away while management is well. `server`: its URL, for messages. */
export const clusterApart = ({
  kube,
  server,
  podCidrs = [],
  now = Date.now,
}: {
  readonly kube: KubeClient
  readonly server: string
  readonly podCidrs?: readonly string[]
  readonly now?: () => number
}): SuperCluster => {
  let last: { readonly at: number; readonly look: Promise<SuperLook> } | undefined
  const ask = async (): Promise<SuperLook> => {
    try {
      // The round of one tenant that ends must not end the look of others.
      return { kind: 'answers', uid: await identityOf(kube, AbortSignal.timeout(answerTimeoutMs + 1000)) }
    } catch (error) {
      const message = `the super cluster at ${server} cannot be used: ${explainError(error)}. What runs there goes on; changes wait. Check that its API server answers, the way there, and the kubeconfig that the manager has of it`
      return { kind: 'away', message }
    }
  }
  return {
    kube,
    isApart: true,
    podCidrs,
    look: () => {
      if (!last || now() - last.at >= lookedMs) last = { at: now(), look: ask() }
      return last.look
    },
  }
}

/** Says whenever a super cluster apart went away or came back, until the signal. Tenants that are well are not looked at for half a minute otherwise. */
export const watchSuper = async (
  superCluster: SuperCluster,
  { onChange, signal }: { readonly onChange: (look: SuperLook) => void; readonly signal: AbortSignal },
): Promise<void> => {
  let last: SuperLook['kind'] | undefined
  while (!signal.aborted) {
    const look = await superCluster.look(signal)
    if (last !== undefined && look.kind !== last && !signal.aborted) onChange(look)
    last = look.kind
    await sleep(lookedMs, undefined, { signal, ref: false }).catch(() => {})
  }
}

type Recorded = Pick<TenantControlPlaneStatus, 'superCluster' | 'serviceSlice'>

/** What a tenant has to do with the super cluster that the manager was given. */
export type SuperOfTenant =
  | { readonly kind: 'known'; readonly record: NonNullable<Recorded['superCluster']>; readonly trouble?: string }
  | { readonly kind: 'refused'; readonly error: AppError }

const placeText = (isApart: boolean): string => (isApart ? 'another cluster than management' : 'the management cluster itself')

/**
 * Whether a tenant's super cluster is the one at hand. A tenant stays with the one it began in: its addresses, pods and volumes are there, and a manager that
 * was given another one would take them for gone. Pure.
 */
export const superOfTenant = (
  { superCluster: record, serviceSlice }: Recorded,
  look: SuperLook,
  isApart: boolean,
): SuperOfTenant => {
  const refused = (code: 'SUPER_MISMATCH' | 'SUPER_UNREACHABLE', message: string): SuperOfTenant => ({
    kind: 'refused',
    error: new AppError(code, message, {}),
  })
  // Of a tenant that is older than the record, all is where its control plane is.
  const wasApart = record?.isApart ?? (serviceSlice === undefined ? isApart : false)
  if (wasApart !== isApart)
    return refused(
      'SUPER_MISMATCH',
      `the tenant's pods run in ${placeText(wasApart)}, and the manager was given ${placeText(isApart)} for super: start the manager as it was`,
    )
  if (look.kind === 'away')
    return record && serviceSlice !== undefined
      ? { kind: 'known', record, trouble: look.message }
      : refused('SUPER_UNREACHABLE', look.message)
  if (record && record.uid !== look.uid)
    return refused(
      'SUPER_MISMATCH',
      `the tenant's pods run in the super cluster ${record.uid} (UID of its namespace kube-system), and the manager was given ${look.uid}: give it the kubeconfig of the former`,
    )
  return { kind: 'known', record: record ?? { uid: look.uid, isApart } }
}
