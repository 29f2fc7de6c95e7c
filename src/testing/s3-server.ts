import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBinaries } from '../../hack/binaries.ts'
import type { S3Access } from '../apis/snapshot-task.ts'
import { type Child, startChild } from './child.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './ports.ts'

export const s3Program = 'versitygw'

export interface S3Server {
  readonly access: S3Access
  /** File with what is stored under a key. */
  fileOf(key: string): string
  readonly child: Child
  stop(): Promise<void>
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** A real S3 server on loopback with one bucket, in folders of its own. */
export const startS3Server = async (): Promise<S3Server> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-s3-'))
  const [binaries, [port = 0]] = await Promise.all([ensureBinaries([s3Program]), freePorts(1)])
  const buckets = join(folder, 'buckets')
  // A folder is a bucket to it.
  await mkdir(join(buckets, 'berth'), { recursive: true })
  await mkdir(join(folder, 'meta'))
  const [accessKeyId, secretAccessKey] = ['berth', 'a-secret-of-the-tests']
  const flags = ['--port', `127.0.0.1:${port}`, '--access', accessKeyId, '--secret', secretAccessKey, '--quiet']
  const child = startChild(
    binaries[s3Program],
    [...flags, 'posix', '--sidecar', join(folder, 'meta'), buckets],
    join(folder, 'log'),
  )
  await eventually(() => accepts(port), { describe: 'the S3 server' })
  return {
    access: {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: 'berth',
      region: 'us-east-1',
      prefix: '',
      forcePathStyle: true,
      accessKeyId,
      secretAccessKey,
    },
    fileOf: (key) => join(buckets, 'berth', key),
    child,
    stop: async () => {
      await child.end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
