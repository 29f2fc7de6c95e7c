import { z } from 'zod'

/** A condition as Kubernetes knows them (meta/v1). */
export const conditionSchema = z.object({
  type: z.string().max(64),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().max(256),
  message: z.string().max(8192).describe('What is the case and, if something is wrong, what to do'),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: z.string().max(64).meta({ format: 'date-time' }),
})
