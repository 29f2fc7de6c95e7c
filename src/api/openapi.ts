import { pino } from 'pino'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { createApp } from './app.ts'
import { createCaches } from './caches.ts'

/** Of a document no cluster is asked. */
const offline = new Proxy({} as KubeClient, {
  get: (_, name) => {
    if (name === 'server') return 'none'
    return () => Promise.reject(new AppError('INTERNAL', 'there is no cluster', {}))
  },
})

/** The OpenAPI document of the HTTP API, as `/openapi.json` serves it. Needs no cluster. */
export const openApiDocument = async (): Promise<unknown> => {
  const log = pino({ level: 'silent' })
  const app = await createApp({
    kube: offline,
    caches: createCaches({ kube: offline, log }),
    connectTenant: () => offline,
    log,
    now: Date.now,
    limits: { perSecond: 1, burst: 1, streams: 1 },
    webhooks: {
      queue: () => Promise.reject(new AppError('INTERNAL', 'there is no queue', {})),
      rules: { allowed: [], refused: [], allowHttp: false },
    },
  })
  try {
    await app.ready()
    return app.swagger()
  } finally {
    await app.close()
  }
}
