import { controlPlaneSnapshotSpec, controlPlaneSnapshotStatus } from './control-plane-snapshot.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import { structuralSchema } from './structural-schema.ts'

const { group, version, plural, kind } = resourceTypes.controlPlaneSnapshots

/** The CustomResourceDefinition of ControlPlaneSnapshot. Apply it as it is: generated clients drop its `x-kubernetes-` keys. */
export const controlPlaneSnapshotCrd = (): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: ['cps'], categories: ['berth'] },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Tenant', type: 'string', jsonPath: '.spec.tenantName' },
          { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
          { name: 'Size', type: 'integer', jsonPath: '.status.sizeBytes' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          { name: 'Location', type: 'string', jsonPath: '.status.location', priority: 1 },
          {
            name: 'Message',
            type: 'string',
            jsonPath: ".status.conditions[?(@.type=='Complete')].message",
            priority: 1,
          },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: "One backup of a tenant's data: all that its API server has stored, and where it lies.",
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: structuralSchema(controlPlaneSnapshotSpec, 'spec'),
              status: structuralSchema(controlPlaneSnapshotStatus, 'status'),
            },
            required: ['spec'],
            'x-kubernetes-validations': [
              { rule: 'self.metadata.name.size() <= 63', message: 'metadata.name may have at most 63 characters' },
            ],
          },
        },
      },
    ],
  },
})
