import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'
import type { SnapshotTask } from '../apis/snapshot-task.ts'
import { AppError, explainError } from '../lib/errors.ts'

type Etcd = Extract<SnapshotTask, { kind: 'save' }>['etcd']

/** One line of the answer (api/etcdserverpb/rpc.proto, SnapshotResponse). 64-bit numbers are texts. */
interface Line {
  readonly result?: {
    readonly header?: { readonly revision?: string }
    readonly remaining_bytes?: string
    readonly blob?: string
  }
  readonly error?: { readonly message?: string }
}

const unreachable = (server: string, cause: unknown): AppError =>
  new AppError('DATA_STORE_UNREACHABLE', `etcd at ${server} does not give a snapshot: ${explainError(cause)}`, { cause })

const open = (etcd: Etcd, path: string, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const call = request(
      new URL(`/v3/maintenance/${path}`, etcd.server),
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        ca: etcd.ca,
        cert: etcd.clientCert,
        key: etcd.clientKey,
        servername: etcd.serverName,
        signal,
        // Of silence: the whole may take as long as it needs.
        timeout: 60_000,
      },
      resolve,
    )
    call.on('timeout', () => call.destroy(new Error('silent for a minute')))
    call.on('error', reject)
    call.end('{}')
  })

const answerOf = async (etcd: Etcd, path: string, signal: AbortSignal): Promise<IncomingMessage> => {
  const answer = await open(etcd, path, signal).catch((cause: unknown) => {
    throw unreachable(etcd.server, cause)
  })
  if (answer.statusCode === 200) return answer
  answer.resume()
  throw new AppError('DATA_STORE_REFUSED', `etcd at ${etcd.server} refuses a snapshot with HTTP ${answer.statusCode}`, {})
}

const revisionOf = async (etcd: Etcd, signal: AbortSignal): Promise<string> => {
  const answer = await answerOf(etcd, 'status', signal)
  try {
    const { header } = (await json(answer)) as { header?: { revision?: string } }
    return header?.revision ?? '0'
  } catch (cause) {
    throw unreachable(etcd.server, cause)
  }
}

const checksumBytes = 32

/** What etcd has, as of one revision. */
export interface EtcdSnapshot {
  /** etcd's own snapshot with the checksum at its end, as `etcdutl snapshot restore` takes it. Throws when it is not whole. */
  readonly data: AsyncIterable<Buffer>
  /** What etcd had when it began: the snapshot is of this revision or a later one. */
  readonly revision: string
}

/** Reads a snapshot by etcd's JSON gateway. Throws DATA_STORE_UNREACHABLE or DATA_STORE_REFUSED; nothing is taken for whole that is not. */
export const readEtcd = async (etcd: Etcd, signal: AbortSignal): Promise<EtcdSnapshot> => {
  // The snapshot itself does not say it.
  const revision = await revisionOf(etcd, signal)
  const answer = await answerOf(etcd, 'snapshot', signal)
  const data = async function* (): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    let tail: Buffer = Buffer.alloc(0)
    let remaining: string | undefined
    try {
      for await (const text of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
        const line = JSON.parse(text) as Line
        if (line.error) throw new Error(line.error.message ?? 'it ended in an error')
        remaining = line.result?.remaining_bytes ?? '0'
        const blob = Buffer.from(line.result?.blob ?? '', 'base64')
        // The last bytes are the checksum of those before them.
        const all = Buffer.concat([tail, blob])
        const body = all.subarray(0, Math.max(0, all.length - checksumBytes))
        tail = all.subarray(body.length)
        hash.update(body)
        if (body.length > 0) yield body
      }
    } catch (cause) {
      throw unreachable(etcd.server, cause)
    }
    if (remaining !== '0' || !hash.digest().equals(tail))
      throw new AppError('DATA_STORE_UNREACHABLE', `the snapshot of etcd at ${etcd.server} is not whole: take it again`, {})
    yield tail
  }
  return { data: data(), revision }
}
