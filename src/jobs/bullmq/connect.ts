import { Redis } from 'ioredis'
import { AppError, explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'

/** Two connections to one Redis, as who adds wants an answer soon, and who works wants to go on when Redis is back. */
export interface RedisConnections {
  /** Commands fail at once while there is no connection, and after five seconds without an answer. */
  readonly commands: Redis
  /** Commands wait for the connection to come back. */
  readonly workers: Redis
  /** True while Redis can be asked. */
  readonly isUp: () => boolean
  close(): void
}

const connectDeadlineMs = 10_000
const answerDeadlineMs = 5000
const reconnectMs = (tries: number): number => Math.min(2000, 50 * 2 ** Math.min(tries, 10))

/** An error of Redis as ours. Its own is not kept as the cause: it carries the arguments of commands, passwords among them. */
export const redisError = (error: unknown, doing: string): AppError =>
  error instanceof AppError
    ? error
    : new AppError('QUEUE_UNREACHABLE', `Redis: cannot ${doing}: ${explainError(error).slice(0, 300)}`, {})

/** Runs commands; what fails is QUEUE_UNREACHABLE. */
export const asking = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw redisError(error, doing)
  }
}

const checkedUrl = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:') return url
  throw new AppError('CONFIG_INVALID', 'REDIS_URL has to be redis://host:port or rediss://host:port', {})
}

/** Throws CONFIG_INVALID when Redis may throw keys away. */
const checkKeepsAll = async (redis: Redis): Promise<void> => {
  const memory = await asking('read its settings', () => redis.info('memory'))
  const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1]
  if (policy === 'noeviction') return
  throw new AppError(
    'CONFIG_INVALID',
    `Redis drops keys when its memory is full (maxmemory-policy is ${policy ?? 'not told'}), and jobs with them: set maxmemory-policy noeviction`,
    { policy },
  )
}

/** Connects to Redis and checks that it keeps what it is given. Throws CONFIG_INVALID, QUEUE_UNREACHABLE. */
export const connectRedis = async (url: string, log: Log): Promise<RedisConnections> => {
  const common = { lazyConnect: true, connectTimeout: answerDeadlineMs, retryStrategy: reconnectMs }
  const commands = new Redis(checkedUrl(url), {
    ...common,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: answerDeadlineMs,
  })
  const workers = new Redis(url, { ...common, maxRetriesPerRequest: null })
  let told: string | undefined
  for (const redis of [commands, workers]) {
    redis.on('error', (error: Error) => {
      // Told once, not at each try.
      if (told !== error.message) log.warn({ reason: error.message }, 'Redis cannot be reached')
      told = error.message
    })
    redis.on('ready', () => {
      told = undefined
    })
  }
  const close = () => {
    commands.disconnect()
    workers.disconnect()
  }
  try {
    await asking('connect', () => withDeadline(Promise.all([commands.connect(), workers.connect()])))
    await checkKeepsAll(commands)
  } catch (error) {
    close()
    throw error
  }
  return { commands, workers, close, isUp: () => commands.status === 'ready' }
}

const withDeadline = async (work: Promise<unknown>): Promise<void> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no connection within ${connectDeadlineMs} ms`)), connectDeadlineMs)
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
