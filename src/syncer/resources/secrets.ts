import { resourceTypes } from '../../apis/resource-types.ts'
import { superConfigName } from '../../tenancy/names.ts'
import { defineResource } from '../resource.ts'

/** Types that API servers act on: in super they would fill such a Secret with a token of super's, or delete it. */
const actedOn: ReadonlySet<string> = new Set(['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'])

const superType = (type: string | undefined): string => (type === undefined || actedOn.has(type) ? 'Opaque' : type)

/** Secrets that something synced refers to: type and data alone, since labels and annotations could only steer super's own controllers and operators. */
export const secrets = defineResource({
  type: resourceTypes.secrets,
  byReference: true,
  superWatch: 'none',
  goneInSuper: 'recreate',
  toSuper: ({ metadata: { name = '' }, type, data, immutable }) => ({
    kind: 'object',
    body: {
      name: superConfigName(name),
      labels: {},
      annotations: {},
      fields: { type: superType(type), ...(data && { data }), ...(immutable && { immutable }) },
    },
  }),
  update: (live, wanted) =>
    live.immutable || live.type !== wanted.type
      ? { kind: 'recreate' }
      : { kind: 'replace', object: { ...wanted, metadata: live.metadata } },
})
