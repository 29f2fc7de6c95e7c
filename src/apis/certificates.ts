import { z } from 'zod'

/** What becomes of the generation of keys before the newest: trusted until told otherwise, taken out when nobody uses it any more, or at once. */
const oldKeysFates = ['Trust', 'Cut', 'CutNow'] as const

/** In CEL: one that is not stored is the first. */
const generation = (side: 'self' | 'oldSelf'): string => `(has(${side}.generation) ? ${side}.generation : 1)`

/** A family of keys that is rotated by generations. */
const rotation = (what: string) =>
  z
    .object({
      generation: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(1)
        .describe(
          `Generation of ${what}. One more starts a rotation: the new ones are trusted everywhere, then they issue, and the old ones stay trusted until \`old\` says otherwise`,
        ),
      old: z
        .enum(oldKeysFates)
        .default('Trust')
        .describe(
          'Trust: the generation before stays trusted. Cut: it is taken out when nobody is seen to use it any more. CutNow: it is taken out at once, whoever uses it',
        ),
    })
    .prefault({})
    .meta({
      'x-kubernetes-validations': [
        {
          rule: `${generation('self')} >= ${generation('oldSelf')}`,
          message: 'generation cannot go back: keys that were taken out are gone',
          fieldPath: '.generation',
        },
        {
          rule: `${generation('self')} <= ${generation('oldSelf')} + 1`,
          message: 'generation moves by one: end one rotation before the next',
          fieldPath: '.generation',
        },
      ],
    })

/** Generations of the keys that a tenant's certificates and tokens are made with. */
export const certificates = z.object({
  authorities: rotation('the authorities of the tenant: cluster, etcd and front proxy'),
  serviceAccountKeys: rotation('the keys that sign service-account tokens'),
})

/** Wanted generation of a family of keys, and the fate of the one before. */
export type RotationSpec = z.output<typeof certificates>['authorities']
