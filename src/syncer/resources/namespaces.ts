import { resourceTypes } from '../../apis/resource-types.ts'
import {
  capabilitiesAnnotation,
  nodePoolAnnotation,
  podSecurityAnnotation,
  privilegeEscalationAnnotation,
  pullAlwaysAnnotation,
  runAsNonRootAnnotation,
  runtimeClassAnnotation,
  serviceTypesAnnotation,
  sysctlsAnnotation,
  tolerationsAnnotation,
  userNamespacesAnnotation,
} from '../../tenancy/marks.ts'
import { namespaceLabelKey, superNamespace } from '../../tenancy/names.ts'
import { safeSysctls } from '../../tenancy/pod-security-standards.ts'
import { defineResource, type SyncContext } from '../resource.ts'

/** What super's own admission policies hold the namespace to (manifests/parts/super/admission-*.yaml). Always all of it: what is missing there means less. */
const heldTo = ({ isolation, classes }: SyncContext): Record<string, string> => ({
  [podSecurityAnnotation]: isolation.podSecurity,
  [capabilitiesAnnotation]: isolation.pods.capabilities.join(','),
  [runtimeClassAnnotation]: (classes.runtime.forced && classes.superName('RuntimeClass', classes.runtime.forced)) || '',
  [nodePoolAnnotation]: Object.entries(isolation.nodePool?.nodeSelector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(','),
  [serviceTypesAnnotation]: isolation.serviceTypes.join(','),
  // Below privileged the level lets no others be set, whatever the setting says.
  [sysctlsAnnotation]: [...safeSysctls, ...(isolation.podSecurity === 'privileged' ? isolation.pods.sysctls : [])].join(','),
  [runAsNonRootAnnotation]: String(isolation.pods.runAsNonRoot),
  [privilegeEscalationAnnotation]: String(isolation.pods.privilegeEscalation),
  [userNamespacesAnnotation]: String(isolation.pods.userNamespaces),
  [pullAlwaysAnnotation]: String(isolation.pods.pullAlways),
  [tolerationsAnnotation]: 'narrowed',
})

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
      marks: heldTo(ctx),
      fields: {},
    },
  }),
})
