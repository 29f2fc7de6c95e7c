import { controlPlaneSnapshotSpec, controlPlaneSnapshotStatus } from './control-plane-snapshot.ts'
import { conditionPath, definitionOf } from './definition.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'

/** The CustomResourceDefinition of ControlPlaneSnapshot. */
export const controlPlaneSnapshotCrd = (): KubeObject =>
  definitionOf({
    type: resourceTypes.controlPlaneSnapshots,
    shortName: 'cps',
    description: "One backup of a tenant's data: all that its API server has stored, and where it lies.",
    columns: [
      { name: 'Tenant', type: 'string', jsonPath: '.spec.tenantName' },
      { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
      { name: 'Size', type: 'integer', jsonPath: '.status.sizeBytes' },
      { name: 'Drill', type: 'string', jsonPath: '.status.drill.result' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Location', type: 'string', jsonPath: '.status.location', priority: 1 },
      { name: 'Message', type: 'string', jsonPath: conditionPath('Complete', 'message'), priority: 1 },
    ],
    spec: controlPlaneSnapshotSpec,
    status: controlPlaneSnapshotStatus,
    // It is the value of a label.
    rules: [{ rule: 'self.metadata.name.size() <= 63', message: 'metadata.name may have at most 63 characters' }],
  })
