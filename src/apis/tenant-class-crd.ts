import { conditionPath, definitionOf } from './definition.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import { tenantClassSpec, tenantClassStatus } from './tenant-class.ts'

/** The CustomResourceDefinition of TenantClass. */
export const tenantClassCrd = (): KubeObject =>
  definitionOf({
    type: resourceTypes.tenantClasses,
    shortName: 'tclass',
    description: 'A plan: what tenants that name it get when they do not say it themselves, and what they may say.',
    columns: [
      { name: 'Tenants', type: 'integer', jsonPath: '.status.tenants' },
      { name: 'Updated', type: 'integer', jsonPath: '.status.updatedTenants' },
      { name: 'Ready', type: 'integer', jsonPath: '.status.readyTenants' },
      { name: 'Failed', type: 'integer', jsonPath: '.status.failedTenants' },
      { name: 'Progress', type: 'string', jsonPath: conditionPath('Progressing', 'reason') },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Message', type: 'string', jsonPath: conditionPath('Progressing', 'message'), priority: 1 },
    ],
    spec: tenantClassSpec.prefault({}),
    status: tenantClassStatus,
    // What the class does not say is not for it to default: a tenant, or Berth, says it.
    storedDefaults: 'groups',
    rules: [
      { rule: 'self.metadata.name.size() <= 63', message: 'metadata.name may have at most 63 characters: labels are made of it' },
    ],
  })
