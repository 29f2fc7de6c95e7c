import { z } from 'zod'
import type { Setting } from '../lib/config.ts'

/** Where jobs are: all processes of an installation need the same. No flag, as it may hold a password. */
export const redisUrlSetting = {
  env: 'REDIS_URL',
  schema: z.string().min(1).optional(),
  help: 'Redis that jobs lie in, redis:// or rediss://; without one they are Kubernetes objects',
} as const satisfies Setting
