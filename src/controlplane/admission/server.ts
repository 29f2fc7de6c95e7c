import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantClass } from '../../apis/tenant-class.ts'
import type { KubeClient } from '../../kube/client.ts'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Deps } from '../deps.ts'
import type { KeyPair } from '../pki/issue.ts'
import { sliceSituation } from '../steps/slice.ts'
import type { SuperCluster } from '../super-cluster.ts'
import { classRefusal, classReview } from './class-review.ts'
import { type AdmissionAnswer, admissionReview, answer, judge } from './review.ts'

/** An object of the API is at most 1.5 MiB, and a review has it up to twice. */
const maxBodyBytes = 4 * 1024 * 1024
const workDeadlineMs = 4000

export interface AdmissionServer {
  readonly port: number
  /** New keys for new connections. */
  setKeys(keys: KeyPair): void
  stop(): Promise<void>
}

const readBody = async (request: IncomingMessage): Promise<string | undefined> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

type Reader = Pick<Deps, 'kube' | 'superCluster' | 'signal'>

/** Gives the answer to a review; undefined for what is none. */
type Judge = (review: unknown, reader: Reader) => Promise<AdmissionAnswer | undefined>

/** What a review is about, by the path that the configuration of the webhook names. */
const judges: Readonly<Record<string, Judge>> = {
  '/validate': async (given, reader) => {
    const review = admissionReview.safeParse(given)
    if (!review.success) return undefined
    const situation = await sliceSituation(reader)
    const takenSlices = situation.takenSlices.map(({ slice }) => ({ slice, tenant: 'another tenant' }))
    return judge(review.data, { ...situation, takenSlices })
  },
  '/validate-class': async (given, { kube, signal }) => {
    const review = classReview.safeParse(given)
    if (!review.success) return undefined
    const { uid, object } = review.data.request
    const name = object.spec.className
    const tenantClass =
      name === undefined ? undefined : await kube.get<TenantClass>(resourceTypes.tenantClasses, { name }, { signal })
    return answer(uid, classRefusal(review.data, tenantClass))
  },
}

/** Serves the admission webhook. Anyone in the cluster can ask it, so its answers name no other tenant. */
export const startAdmissionServer = async (options: {
  readonly kube: KubeClient
  readonly superCluster: SuperCluster
  readonly keys: KeyPair
  readonly port: number
  readonly log: Log
}): Promise<AdmissionServer> => {
  const { kube, superCluster, keys, port, log } = options
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reply = (status: number, body: string): void =>
      void response.writeHead(status, { 'content-type': status === 200 ? 'application/json' : 'text/plain' }).end(body)
    const judgeOf = judges[request.url?.split('?', 1)[0] ?? '']
    if (request.method !== 'POST' || !judgeOf) return reply(404, 'not found\n')
    const body = await readBody(request)
    if (body === undefined) {
      reply(413, 'too large\n')
      request.destroy()
      return
    }
    const said = await judgeOf(parsed(body), { kube, superCluster, signal: AbortSignal.timeout(workDeadlineMs) })
    if (!said) return reply(400, 'not an AdmissionReview of a TenantControlPlane\n')
    return reply(200, JSON.stringify(said))
  }

  const server: Server = createServer({ cert: keys.cert, key: keys.key, minVersion: 'TLSv1.2' }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.warn({ reason: explainError(error) }, 'admission review failed')
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { 'content-type': 'text/plain' }).end('cannot look at what the review is about\n')
    })
  })
  server.requestTimeout = 10_000
  server.headersTimeout = 5000
  server.maxConnections = 100
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    setKeys: ({ cert, key }) => server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
