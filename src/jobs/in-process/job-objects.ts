import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { backoffMs } from '../../kube/backoff.ts'
import type { CallOptions, KubeClient } from '../../kube/client.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import { jobsLabel } from '../../tenancy/marks.ts'
import { type JobRecord, jobObject, readJob } from './record.ts'

const type = resourceTypes.configMaps
const pageSize = 500

/** Writes of jobs and schedules, each guarded by what was read. Errors are those of the API server. */
export interface JobObjects {
  /** False when an object of this name is there. */
  create(object: KubeObject): Promise<KubeObject | undefined>
  /** Undefined when it was changed or removed since it was read: somebody else decides. */
  replace(object: KubeObject, signal?: AbortSignal): Promise<KubeObject | undefined>
  /** False when it was changed or removed since it was read. */
  remove(object: KubeObject): Promise<boolean>
  read(name: string): Promise<KubeObject | undefined>
  /** All jobs and schedules. */
  list(): Promise<readonly KubeObject[]>
  /** Stores a job as a dead letter. Its name is then free for another with its deduplication id. */
  bury(object: KubeObject, record: JobRecord): Promise<KubeObject | undefined>
}

export interface JobObjectsOptions {
  readonly client: KubeClient
  readonly namespace: string
}

export const createJobObjects = ({ client, namespace }: JobObjectsOptions): JobObjects => {
  const call = (signal?: AbortSignal): CallOptions => ({ ...(signal && { signal }) })
  const create: JobObjects['create'] = async (object) => {
    try {
      return await client.create(type, object)
    } catch (error) {
      if (hasCode(error, 'KUBE_ALREADY_EXISTS')) return undefined
      throw error
    }
  }
  const replace: JobObjects['replace'] = async (object, signal) => {
    try {
      return await client.replace(type, object, call(signal))
    } catch (error) {
      if (hasCode(error, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND')) return undefined
      throw error
    }
  }
  const remove: JobObjects['remove'] = async ({ metadata }) => {
    const { name = '', uid = '', resourceVersion = '' } = metadata
    try {
      return await client.delete(type, { name, namespace }, { uid, resourceVersion })
    } catch (error) {
      if (hasCode(error, 'KUBE_CONFLICT')) return false
      throw error
    }
  }
  return {
    create,
    replace,
    remove,
    read: (name) => client.get(type, { name, namespace }),
    list: async () => {
      const objects: KubeObject[] = []
      let continueToken: string | undefined
      do {
        const page = await client.list<KubeObject>(type, {
          namespace,
          labelSelector: jobsLabel,
          limit: pageSize,
          ...(continueToken !== undefined && { continueToken }),
        })
        objects.push(...page.items)
        continueToken = page.metadata.continue || undefined
      } while (continueToken !== undefined)
      return objects
    },
    bury: async (object, { deduplicationId: _free, ...record }) => {
      const dead = jobObject(namespace, record)
      if (dead.metadata.name === object.metadata.name) return replace(jobObject(namespace, record, object))
      // First the letter, then the job: killed in between, the job runs once more and finds its letter written.
      const made = (await create(dead)) ?? (await client.get(type, { name: dead.metadata.name ?? '', namespace }))
      await remove(object)
      return made && readJob(made) ? made : undefined
    },
  }
}

const triesAgain = { firstMs: 200, capMs: 5000 }

/** Asks again whatever the API server says, until `signal` ends: then the last error is thrown. */
export const persist = async <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || !(error instanceof AppError)) throw error
      await pauseUnlessEnded(backoffMs(failures, triesAgain), signal)
      if (signal.aborted) throw error
    }
  }
}

const pauseUnlessEnded = (forMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, forMs)
    signal.addEventListener('abort', end, { once: true })
  })
