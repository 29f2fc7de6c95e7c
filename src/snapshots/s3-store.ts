import { Agent } from 'node:https'
import { Readable } from 'node:stream'
import { DeleteObjectCommand, GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { S3Access } from '../apis/snapshot-task.ts'
import { AppError, explainError } from '../lib/errors.ts'
import type { ObjectStore } from './object-store.ts'

/** Parts of 8 MiB, two at a time: 24 MiB of memory, and 80 GB at most (10,000 parts). */
const upload = { partSize: 8 * 2 ** 20, queueSize: 2 }

const errorOf = (what: string, { endpoint, bucket }: S3Access, cause: unknown): AppError => {
  const where = `bucket ${bucket} at ${endpoint}`
  if (!(cause instanceof S3ServiceException) || cause.$metadata.httpStatusCode === undefined)
    return new AppError('SNAPSHOT_STORE_UNREACHABLE', `${where} cannot be reached to ${what}: ${explainError(cause)}`, { cause })
  const status = cause.$metadata.httpStatusCode
  if (cause.name === 'NoSuchKey') return new AppError('SNAPSHOT_NOT_FOUND', `${where} has no such snapshot any more`, { cause })
  const code = status >= 500 ? 'SNAPSHOT_STORE_UNREACHABLE' : 'SNAPSHOT_STORE_REFUSED'
  const hint = status === 403 ? '. Check the key in the Secret and what it may do' : ''
  return new AppError(code, `${where} refuses to ${what}: ${cause.name.slice(0, 100)} (HTTP ${status})${hint}`, { status })
}

/** A bucket of a store that speaks the S3 protocol. */
export const openS3 = (access: S3Access, signal: AbortSignal): ObjectStore => {
  const { endpoint, bucket, region, forcePathStyle, accessKeyId, secretAccessKey, sessionToken, ca } = access
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    maxAttempts: 3,
    // Stores other than Amazon's do not all know the newer checksums; what is stored has one of Berth's own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 10_000,
      socketTimeout: 60_000,
      ...(ca !== undefined && { httpsAgent: new Agent({ ca, keepAlive: true }) }),
    },
  })
  const doing = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      // What the source of an upload throws is no word of the bucket.
      throw cause instanceof AppError ? cause : errorOf(what, access, cause)
    }
  }
  return {
    put: (key, data) =>
      doing('store a snapshot', async () => {
        const body = Readable.from(data, { objectMode: false })
        const running = new Upload({ client, params: { Bucket: bucket, Key: key, Body: body }, ...upload })
        const abort = () => void running.abort()
        signal.addEventListener('abort', abort, { once: true })
        try {
          await running.done()
        } finally {
          signal.removeEventListener('abort', abort)
        }
      }),
    get: (key) =>
      doing('read a snapshot', async () => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal })
        return Body as Readable
      }),
    remove: (key) =>
      doing('delete a snapshot', async () => {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal })
      }),
    close: () => client.destroy(),
  }
}
