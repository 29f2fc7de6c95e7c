import { readFile } from 'node:fs/promises'
import { openJobQueue } from '../../src/jobs/open-queue.ts'
import { deliveryHandler } from '../../src/jobs/webhooks/delivery.ts'
import { createEndpointReader } from '../../src/jobs/webhooks/endpoint-reader.ts'
import { createPoster } from '../../src/jobs/webhooks/post.ts'
import { createDnsResolve } from '../../src/jobs/webhooks/resolve.ts'
import type { KubeConnection } from '../../src/kube/client.ts'
import { createKubeClient } from '../../src/kube/undici-client.ts'
import { createLog } from '../../src/lib/log.ts'

/** What the worker is told, as JSON in a file. */
export interface WorkerPlace {
  readonly connection: KubeConnection
  /** Without it jobs are in Kubernetes objects. */
  readonly redisUrl?: string
}

/** The worker prints it when it takes jobs. */
export const workerReady = 'takes jobs'

/** A process that delivers webhooks, as an installation has one; receivers on loopback are allowed. Ends in good order on SIGTERM. */
const work = async (path: string): Promise<void> => {
  const { connection, redisUrl } = JSON.parse(await readFile(path, 'utf8')) as WorkerPlace
  const client = createKubeClient(connection, { userAgent: 'berth-bench-worker' })
  const poster = createPoster()
  const handler = deliveryHandler({
    client,
    endpoints: createEndpointReader({ client }),
    poster,
    resolve: createDnsResolve(),
    rules: { allowed: ['127.0.0.0/8'], refused: [], allowHttp: true },
    now: () => new Date(),
  })
  const log = createLog({ process: 'worker', level: 'warn' })
  const queue = await openJobQueue({ client, redisUrl, handlers: [handler], log })
  await queue.start()
  console.log(workerReady)
  await new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
  await queue.stop({ deadlineMs: 3000 })
  poster.close()
  await client.close()
}

const [, script, path] = process.argv
if (script === import.meta.filename && path !== undefined) await work(path)
