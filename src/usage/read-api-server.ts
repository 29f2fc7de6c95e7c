import { isResting } from '../apis/conditions.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { figuresPath, serverFigures } from '../kube/server-figures.ts'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { ApiReading, Replica } from './advance.ts'

/** Tenants are hostile: their API servers are not waited for, and not read without end. All metrics of one are 2 to 8 MiB. */
const call = { timeoutMs: 5000, maxAnswerBytes: 16 * 1024 * 1024 }
/** A name of every API server's certificate: the address of a pod is none. */
const serverName = 'kubernetes.default.svc'

/** A server counts what it stores once a minute, kind by kind: before that it says too little. */
const countedAfterMs = 90_000

export interface ReadApiServerDeps {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly connect: (connection: KubeConnection) => KubeClient
  readonly log: Log
  readonly signal: AbortSignal
}

/** True when a tenant's API server is not meant to answer: it is being made, rests, or goes. */
export const isSilent = ({ metadata, status }: TenantControlPlane): boolean =>
  isResting(status?.conditions) || metadata.deletionTimestamp !== undefined || status?.timings?.['APIServerReady'] === undefined

const portOf = ({ spec }: KubeObject): number => {
  const ports: readonly { name?: string; containerPort?: number }[] = (spec?.containers ?? []).flatMap(
    ({ ports: all = [] }: { ports?: readonly { name?: string; containerPort?: number }[] }) => all,
  )
  return ports.find(({ name }) => name === 'https')?.containerPort ?? 6443
}

/** `host:port` of a pod of an API server; undefined while it has no address. */
const addressOf = (pod: KubeObject): string | undefined => {
  const ip: unknown = pod['status']?.podIP
  if (typeof ip !== 'string' || ip === '') return undefined
  return `${ip.includes(':') ? `[${ip}]` : ip}:${portOf(pod)}`
}

/**
 * What a tenant's API server says. Every pod of it is asked at its own address, as each counts for itself. Undefined when it should answer and no pod does.
 */
export const readApiServer = async (
  {
    plane,
    pods,
    kubeconfig,
  }: {
    readonly plane: TenantControlPlane
    /** Of its API server. */
    readonly pods: readonly KubeObject[]
    /** Of the meter; undefined: there is none yet. */
    readonly kubeconfig: string | undefined
  },
  { connect, now, log, signal }: ReadApiServerDeps,
): Promise<ApiReading | undefined> => {
  if (isSilent(plane)) return { kind: 'silent' }
  if (kubeconfig === undefined) return undefined
  const tenant = plane.metadata.uid
  const read = async (pod: KubeObject) => {
    const address = addressOf(pod)
    if (address === undefined) return undefined
    const client = connect({ ...parseKubeconfig(kubeconfig), server: `https://${address}`, tlsServerName: serverName })
    try {
      const { status, body } = await client.raw(figuresPath, { ...call, signal, isText: true })
      if (status === 200) return { pod: pod.metadata.uid ?? '', ...serverFigures(body) }
      log.debug({ tenant, pod: pod.metadata.name, status }, 'metrics of an API server refused')
    } catch (error) {
      log.debug({ tenant, pod: pod.metadata.name, reason: explainError(error) }, 'metrics of an API server not read')
    } finally {
      await client.close()
    }
    return undefined
  }
  const answers = (await Promise.all(pods.map(read))).filter((answer) => answer !== undefined)
  if (answers.length === 0) return undefined
  const replicas = answers.flatMap(({ pod, startedAt, requests }): readonly Replica[] =>
    startedAt === undefined || requests === undefined ? [] : [{ pod, startedAt, requests }],
  )
  // All read the same store. No API server is without objects: 0 is of one that could not count them.
  const counts = answers.flatMap(({ objects, startedAt = 0 }) => (now() - startedAt > countedAfterMs && objects) || [])
  return {
    kind: 'read',
    objects: counts.length === 0 ? undefined : Math.max(...counts),
    replicas,
    pods: pods.map(({ metadata }) => metadata.uid ?? ''),
  }
}
