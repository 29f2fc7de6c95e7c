import { resourceTypes } from '../../apis/resource-types.ts'
import { namespaceLabelKey, superNamespace } from '../../tenancy/names.ts'
import { defineResource } from '../resource.ts'

/** Namespaces: each backed by one of its own in super, which carries the tenant's labels under hashed keys only, so that none has a meaning there. */
export const namespaces = defineResource({
  type: resourceTypes.namespaces,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  toSuper: ({ metadata: { name = '', labels = {} } }, ctx) => ({
    kind: 'object',
    body: {
      name: superNamespace(ctx.tenant, name),
      labels: {
        'pod-security.kubernetes.io/enforce': ctx.isolation.podSecurity,
        'pod-security.kubernetes.io/enforce-version': 'latest',
      },
      labelMarks: Object.fromEntries(Object.entries(labels).map(([key, value]) => [namespaceLabelKey(key), value])),
      // Annotations of namespaces steer super's admission and operators (node selectors, for one).
      annotations: {},
      fields: {},
    },
  }),
})
