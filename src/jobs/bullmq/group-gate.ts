import type { Redis } from 'ioredis'

/** Places of groups among the running jobs of one kind, counted in Redis: over all processes. */
export interface GroupGate {
  /** Takes a place. False when all are taken: the job is then noted as waiting for one. */
  enter(group: string, jobId: string): Promise<boolean>
  /** True while the job is noted as waiting. */
  isWaiting(group: string, jobId: string): Promise<boolean>
  /** Gives the place back; the id of the job whose turn it is. */
  leave(group: string, jobId: string): Promise<string | undefined>
}

export interface GroupGateOptions {
  readonly redis: Redis
  /** Of the keys. */
  readonly prefix: string
  readonly kind: string
  readonly perGroup: number
  /** A place whose process was lost is free after so long. */
  readonly placeMs: number
}

// Redis' own clock: those of processes may differ.
const clock = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`
const enterScript = `${clock}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 1
end
redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1])
redis.call('PEXPIRE', KEYS[2], 86400000)
return 0`
const leaveScript = `${clock}
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return false end
local next = redis.call('ZPOPMIN', KEYS[2])
return next[1] or false`

/** A place is taken and given back in one step of Redis each, so that no more than `perGroup` jobs of a group hold one. */
export const createGroupGate = ({ redis, prefix, kind, perGroup, placeMs }: GroupGateOptions): GroupGate => {
  const keysOf = (group: string) => [`${prefix}:places:${kind}:${group}`, `${prefix}:parked:${kind}:${group}`] as const
  return {
    enter: async (group, jobId) => (await redis.eval(enterScript, 2, ...keysOf(group), jobId, perGroup, placeMs)) === 1,
    isWaiting: async (group, jobId) => (await redis.zscore(keysOf(group)[1], jobId)) !== null,
    leave: async (group, jobId) => {
      const next: unknown = await redis.eval(leaveScript, 2, ...keysOf(group), jobId, perGroup)
      return typeof next === 'string' ? next : undefined
    },
  }
}
