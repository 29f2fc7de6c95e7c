import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { tenantOfCertificate } from '../tenancy/identity.ts'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { type Answer, plain, readBody } from './answers.ts'
import { type NodeRead, nodeRoute } from './node-routes.ts'
import { ownedPod } from './owned-pod.ts'
import { type AgentRoute, agentRoute, notFound } from './routes.ts'
import type { Session, SessionEnd, Sessions } from './sessions.ts'
import type { SpliceEnd } from './splice.ts'
import { answerForTenant } from './super-answer.ts'
import type { SuperStream } from './super-stream.ts'
import { upgradeHeaders } from './upgrade-headers.ts'
import type { Way } from './way.ts'

export interface SessionDeps {
  /** Super under the agent's own account; only used through `as`. */
  readonly superClient: Pick<KubeClient, 'as'>
  /** How sessions go on from here. */
  readonly way: Way
  readonly sessions: Sessions
  readonly log: Log
}

/** A request that may go on, with all that super is told of it. */
interface Admitted {
  readonly kind: 'session'
  readonly tenant: { readonly uid: string; readonly name: string }
  readonly route: AgentRoute
  readonly method: string
  readonly headers: readonly string[]
}

/** A request to read of the node, by a tenant's API server or by whoever holds a token of a tenant. */
export interface AdmittedRead {
  readonly kind: 'read'
  readonly read: NodeRead
  readonly by:
    | { readonly kind: 'tenant'; readonly tenant: Admitted['tenant'] }
    | { readonly kind: 'token'; readonly token: string; readonly subresources: readonly string[] }
}

type Admission = Admitted | AdmittedRead | { readonly kind: 'refused'; readonly status: number; readonly message: string }

const logHeaders = ['Accept', '*/*', 'User-Agent', 'berth-vn-agent']

const tenantOf = (socket: TLSSocket): Admitted['tenant'] | undefined => {
  // Whoever showed another certificate is out already; asked again, because all that follows stands on it.
  if (!socket.authorized) return undefined
  try {
    return tenantOfCertificate(socket.getPeerCertificate().subject)
  } catch {
    return undefined
  }
}

const bearer = /^Bearer +([\w.~+/=-]+)$/i

/** Without a certificate only reads are open, to a token that the tenant's API server lets read them. */
const admitToken = (request: IncomingMessage): Admission => {
  const [, token] = bearer.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined) return { kind: 'refused', status: 401, message: 'Unauthorized' }
  const routed = nodeRoute(request.method ?? '', request.url ?? '')
  if (!routed) return { kind: 'refused', status: 403, message: 'a token reads metrics here; for all else ask the API server' }
  return { kind: 'read', read: routed.read, by: { kind: 'token', token, subresources: routed.subresources } }
}

/** Decides on a request by its certificate, its first line and its headers. Asks nobody. */
export const admit = (request: IncomingMessage): Admission => {
  const socket = request.socket as TLSSocket
  if (!socket.getPeerX509Certificate()) return admitToken(request)
  const tenant = tenantOf(socket)
  if (!tenant) return { kind: 'refused', status: 403, message: 'the client certificate names no tenant' }
  const [method, url] = [request.method ?? '', request.url ?? '']
  const read = nodeRoute(method, url)?.read
  if (read) return { kind: 'read', read, by: { kind: 'tenant', tenant } }
  const routed = agentRoute(method, url)
  if (routed.kind === 'refused') return routed
  const { route } = routed
  if (route.kind === 'logs') return { kind: 'session', tenant, route, method, headers: logHeaders }
  const upgrade = upgradeHeaders(request.rawHeaders)
  return upgrade.kind === 'refused' ? upgrade : { kind: 'session', tenant, route, method, headers: upgrade.headers }
}

const bodyMs = 10_000
const upgradeAnswerMs = 30_000 // super dials the node's kubelet meanwhile

const refuse = (answer: Answer, session: Session, status: number, message: string): void => {
  answer(plain(status, message))
  session.end({ bytesUp: 0, bytesDown: 0, status, result: 'refused' })
}

/** What went wrong on our side is for our log; the tenant learns which side it was. */
const answerOfError = (error: unknown): number => (error instanceof AppError ? error.policy.http : 502)

/**
 * Takes an admitted request to its end: session limit, owner of the pod, stream from super, `relay`. `socket` tells when the tenant's side has gone.
 * Always answers, never rejects.
 */
export const serveSession = async (
  admitted: Admitted,
  { socket, answer, relay }: { socket: TLSSocket; answer: Answer; relay: Relay },
  { superClient, way, sessions, log }: SessionDeps,
): Promise<void> => {
  const { tenant, route, method, headers } = admitted
  const opened = sessions.open(tenant, route)
  if (opened.kind === 'refused') return answer(plain(opened.status, opened.message))
  const { session } = opened
  const gone = new AbortController()
  const onGone = (): void => gone.abort(new Error('the connection of the tenant has gone'))
  socket.once('close', onGone)
  if (socket.destroyed) onGone()
  const signal = AbortSignal.any([session.signal, gone.signal])
  const identity = tenantIdentity(tenant.uid)
  try {
    const ask = () => ownedPod(tenant, route, { asTenant: superClient.as(identity), signal })
    const pod = await sessions.questions.take(tenant.uid, ask, signal)
    if (!pod) return refuse(answer, session, notFound.status, notFound.message)
    const isLog = route.kind === 'logs'
    const stream = await way.open({ tenant, route, method, headers, signal, ...(!isLog && { answerMs: upgradeAnswerMs }) })
    const status = stream.response.statusCode ?? 502
    if (stream.kind === 'answered' && (!isLog || status !== 200)) {
      const body = await readBody(stream.response, AbortSignal.any([signal, AbortSignal.timeout(bodyMs)]))
      const contentType = stream.response.headers['content-type'] ?? 'text/plain'
      const names = { superNamespace: superNamespace(tenant, route.namespace), namespace: route.namespace, identity, ...pod }
      const told = answerForTenant({ status: status < 400 ? 502 : status, contentType, body }, names, way.isAboutAgent)
      if (way.isAboutAgent(status)) log.error({ status, body, way: way.kind }, 'the account of the agent is not accepted')
      return refuse(answer, session, told.status, told.body.trimEnd())
    }
    const end = await relay(stream, session.signal)
    session.end({ ...end, status })
  } catch (error) {
    const status = answerOfError(error)
    const result: SessionEnd['result'] = signal.aborted ? 'aborted' : 'failed'
    if (!signal.aborted)
      log.error({ err: error, tenant: tenant.uid, namespace: route.namespace, pod: route.pod }, 'session failed')
    answer(plain(status, 'the super cluster does not answer; try again'))
    session.end({ bytesUp: 0, bytesDown: 0, status, result })
  } finally {
    socket.off('close', onGone)
  }
}

/** Joins the tenant's side to super's stream until both have ended. */
export type Relay = (stream: SuperStream, signal: AbortSignal) => Promise<SpliceEnd>
