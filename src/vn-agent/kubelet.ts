import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { KubeConnection } from '../kube/client.ts'
import { createLineSplitter } from '../kube/lines.ts'
import { AppError } from '../lib/errors.ts'
import { type MetricsPath, metricRules } from './metric-rules.ts'
import { collectMetrics, type MetricsSnapshot } from './metrics-snapshot.ts'
import { openSuperStream, type StreamConnection } from './super-stream.ts'

/** Where the kubelet of this node is, and how it is believed. */
export interface KubeletPlace {
  /** Address of the node. */
  readonly address: string
  readonly port: number
  /** PEM file of the authority of kubelets' serving certificates. */
  readonly caFile: string
  /** True: the certificate is not checked. Whoever takes the port while the kubelet is away then gets the agent's token. */
  readonly insecure: boolean
}

/** The connection to a kubelet with the agent's own account; the authority is read each time, so that a new one counts. Throws CONFIG_INVALID. */
export const kubeletConnection = async (
  { address, port, caFile, insecure }: KubeletPlace,
  { token, clientCert, clientKey }: Pick<KubeConnection, 'token' | 'clientCert' | 'clientKey'>,
): Promise<StreamConnection> => {
  const server = `https://${isIPv6(address) ? `[${address}]` : address}:${port}`
  const own = {
    server,
    ...(token && { token }),
    ...(clientCert !== undefined && { clientCert }),
    ...(clientKey !== undefined && { clientKey }),
  }
  if (insecure) return { ...own, insecure }
  try {
    return { ...own, ca: await readFile(caFile, 'utf8') }
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `cannot read the authority of kubelets in ${caFile}`, { cause })
  }
}

/** A page as it was at one moment. */
export interface Page<T> {
  /** Rises with each page read. */
  readonly at: number
  readonly content: T
}

/** What the agent reads of its node's kubelet, for all tenants at once. */
export interface Kubelet {
  /** Throws KUBE_UNREACHABLE, KUBE_TIMEOUT, KUBE_TOO_LARGE or KUBE_SERVER_ERROR. */
  metrics(path: MetricsPath): Promise<Page<MetricsSnapshot>>
  /** `/stats/summary`, parsed. Throws the same. */
  summary(): Promise<Page<unknown>>
}

/** A page serves all who ask within this time: a tenant that asks all the time costs the kubelet no more than one that asks now and then. */
const pageMs = 5_000
/** A page that could not be read is asked for again after this. */
const failedMs = 1_000
const readMs = 10_000
// A node with 250 pods has 2 MiB of /metrics/cadvisor.
const maxPageBytes = 32 * 1024 * 1024
const maxLineBytes = 64 * 1024

const bodyOf = async (
  path: string,
  connection: StreamConnection,
  accept: string,
  onChunk: (chunk: Buffer) => void,
): Promise<void> => {
  const signal = AbortSignal.timeout(readMs)
  const headers = ['Accept', accept, 'User-Agent', 'berth-vn-agent', 'Connection', 'close']
  const stream = await openSuperStream({ method: 'GET', path, headers, signal, answerMs: readMs }, connection)
  const { response } = stream
  if (stream.kind === 'upgraded' || response.statusCode !== 200) {
    response.destroy()
    throw new AppError('KUBE_SERVER_ERROR', `the kubelet answers ${path} with ${response.statusCode}`, { path })
  }
  const onAbort = (): void =>
    void response.destroy(new AppError('KUBE_TIMEOUT', `${path} of the kubelet took over ${readMs} ms`, {}))
  signal.addEventListener('abort', onAbort, { once: true })
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer> & IncomingMessage) {
      bytes += chunk.length
      if (bytes > maxPageBytes) throw new AppError('KUBE_TOO_LARGE', `${path} of the kubelet is over ${maxPageBytes} bytes`, {})
      onChunk(chunk)
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    response.destroy()
  }
}

/** `isTenants`: whether a namespace of super is some tenant's; nothing else of a page is kept. */
export const createKubelet = ({
  connect,
  isTenants,
  now = () => performance.now(),
}: {
  readonly connect: () => Promise<StreamConnection>
  readonly isTenants: (superNamespace: string) => boolean
  readonly now?: () => number
}): Kubelet => {
  const pages = new Map<string, { readonly until: number; readonly page: Promise<Page<unknown>> }>()
  let reads = 0

  const page = <T>(path: string, read: () => Promise<T>): Promise<Page<T>> => {
    const held = pages.get(path)
    if (held && now() < held.until) return held.page as Promise<Page<T>>
    reads += 1
    const at = reads
    const fresh = read().then((content) => ({ at, content }))
    // Nobody is asked twice while the answer is under way; how long it serves is counted from its end.
    const hold = (ms: number) => (): void => void pages.set(path, { until: now() + ms, page: fresh })
    pages.set(path, { until: Number.POSITIVE_INFINITY, page: fresh })
    fresh.then(hold(pageMs), hold(failedMs))
    return fresh
  }
  return {
    metrics: (path) =>
      page(path, async () => {
        const { line, snapshot } = collectMetrics(metricRules[path], isTenants)
        const lines = createLineSplitter(maxLineBytes)
        await bodyOf(path, await connect(), 'text/plain; version=0.0.4', (chunk) => lines.push(chunk).forEach(line))
        return snapshot()
      }),
    summary: () =>
      page('/stats/summary', async () => {
        const chunks: Buffer[] = []
        await bodyOf('/stats/summary', await connect(), 'application/json', (chunk) => void chunks.push(chunk))
        try {
          return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
        } catch (cause) {
          throw new AppError('KUBE_SERVER_ERROR', 'the summary of the kubelet is no JSON', { cause })
        }
      }),
  }
}
