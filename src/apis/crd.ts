import { conditionPath, definitionOf } from './definition.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import { maxTenantNameLength, tenantControlPlaneSpec } from './tenant-control-plane.ts'
import { tenantControlPlaneStatus } from './tenant-status.ts'

/** The CustomResourceDefinition of TenantControlPlane. */
export const tenantControlPlaneCrd = (): KubeObject =>
  definitionOf({
    type: resourceTypes.tenantControlPlanes,
    shortName: 'tcp',
    description: 'A Kubernetes cluster of its own for one tenant: its control plane, and how it lives on the super cluster.',
    columns: [
      { name: 'Version', type: 'string', jsonPath: '.status.version' },
      { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint' },
      { name: 'Ready', type: 'string', jsonPath: conditionPath('Ready', 'status') },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Slice', type: 'string', jsonPath: '.status.serviceSlice', priority: 1 },
      { name: 'Reason', type: 'string', jsonPath: conditionPath('Ready', 'reason'), priority: 1 },
      { name: 'Message', type: 'string', jsonPath: conditionPath('Ready', 'message'), priority: 1 },
    ],
    spec: tenantControlPlaneSpec.prefault({}),
    status: tenantControlPlaneStatus,
    rules: [
      {
        rule: `self.metadata.name.size() <= ${maxTenantNameLength}`,
        message: `metadata.name may have at most ${maxTenantNameLength} characters: other names are made of it`,
      },
    ],
  })
