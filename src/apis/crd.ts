import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import { structuralSchema } from './structural-schema.ts'
import { maxTenantNameLength, tenantControlPlaneSpec } from './tenant-control-plane.ts'
import { tenantControlPlaneStatus } from './tenant-status.ts'

const { group, version, plural, kind } = resourceTypes.tenantControlPlanes

const condition = (type: string, field: string): string => `.status.conditions[?(@.type=='${type}')].${field}`

/** The CustomResourceDefinition of TenantControlPlane. Apply it as it is: generated clients drop its `x-kubernetes-` keys. */
export const tenantControlPlaneCrd = (): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: ['tcp'], categories: ['berth'] },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Version', type: 'string', jsonPath: '.status.version' },
          { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint' },
          { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          { name: 'Slice', type: 'string', jsonPath: '.status.serviceSlice', priority: 1 },
          { name: 'Reason', type: 'string', jsonPath: condition('Ready', 'reason'), priority: 1 },
          { name: 'Message', type: 'string', jsonPath: condition('Ready', 'message'), priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description:
              'A Kubernetes cluster of its own for one tenant: its control plane, and how it lives on the super cluster.',
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: structuralSchema(tenantControlPlaneSpec.prefault({}), 'spec'),
              status: structuralSchema(tenantControlPlaneStatus, 'status'),
            },
            required: ['spec'],
            'x-kubernetes-validations': [
              {
                rule: `self.metadata.name.size() <= ${maxTenantNameLength}`,
                message: `metadata.name may have at most ${maxTenantNameLength} characters: other names are made of it`,
              },
            ],
          },
        },
      },
    ],
  },
})
