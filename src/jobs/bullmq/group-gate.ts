import type { Redis } from 'ioredis'

/** Places of groups among the running jobs of one kind, counted in Redis: over all processes. */
export interface GroupGate {
  /** Takes a place. False when all are taken: unless it waits where it is, the job is then noted as waiting for one. */
  enter(group: string, jobId: string, options?: { readonly waitsHere: boolean }): Promise<boolean>
  /** Gives a job's place to another one that waits where it is; the ids of noted jobs that may come nearer, one for its seat and one for each free place. */
  handOver(group: string, fromJobId: string, toJobId: string): Promise<readonly string[]>
  /** True while the job is noted as waiting. */
  isWaiting(group: string, jobId: string): Promise<boolean>
  /** Gives the place back; the ids of noted jobs, as many as there are free places. */
  leave(group: string, jobId: string): Promise<readonly string[]>
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
/** Takes out as many noted jobs as there are free places, and `more`; ARGV's last is the number of places. */
const takeOut = (more: number): string => `local free = tonumber(ARGV[#ARGV]) - redis.call('ZCARD', KEYS[1]) + ${more}
if free <= 0 then return {} end
local taken = redis.call('ZPOPMIN', KEYS[2], free)
local ids = {}
for i = 1, #taken, 2 do ids[#ids + 1] = taken[i] end
return ids`
const enterScript = `${clock}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 1
end
if ARGV[4] == '1' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 0
end
redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1])
redis.call('PEXPIRE', KEYS[2], 86400000)
return 0`
const handOverScript = `${clock}
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1], ARGV[2])
${takeOut(1)}`
const leaveScript = `${clock}
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
${takeOut(0)}`

const idsOf = (answer: unknown): readonly string[] => (Array.isArray(answer) ? answer.filter((id) => typeof id === 'string') : [])

/** A place is taken and given back in one step of Redis each, so that no more than `perGroup` jobs of a group hold one. */
export const createGroupGate = ({ redis, prefix, kind, perGroup, placeMs }: GroupGateOptions): GroupGate => {
  const keysOf = (group: string) => [`${prefix}:places:${kind}:${group}`, `${prefix}:parked:${kind}:${group}`] as const
  return {
    enter: async (group, jobId, { waitsHere } = { waitsHere: false }) =>
      (await redis.eval(enterScript, 2, ...keysOf(group), jobId, perGroup, placeMs, waitsHere ? 1 : 0)) === 1,
    handOver: async (group, fromJobId, toJobId) =>
      idsOf(await redis.eval(handOverScript, 2, ...keysOf(group), fromJobId, toJobId, placeMs, perGroup)),
    isWaiting: async (group, jobId) => (await redis.zscore(keysOf(group)[1], jobId)) !== null,
    leave: async (group, jobId) => idsOf(await redis.eval(leaveScript, 2, ...keysOf(group), jobId, perGroup)),
  }
}
