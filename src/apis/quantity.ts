import { z } from 'zod'

/** A Kubernetes quantity that is not negative, for example 500m or 2Gi. */
export const quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|[EPTGMK]i?|k)?$/)
