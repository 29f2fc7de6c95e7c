import { dataStoreSpec, dataStoreStatus } from './data-store.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import { structuralSchema } from './structural-schema.ts'

const { group, version, plural, kind } = resourceTypes.dataStores

/** The CustomResourceDefinition of DataStore. Apply it as it is: generated clients drop its `x-kubernetes-` keys. */
export const dataStoreCrd = (): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Cluster',
    names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: ['bds'], categories: ['berth'] },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
          { name: 'Tenants', type: 'integer', jsonPath: '.status.tenantCount' },
          { name: 'Size', type: 'string', jsonPath: '.status.size' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          { name: 'Message', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].message", priority: 1 },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'An etcd that tenants may share instead of having one of their own.',
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: structuralSchema(dataStoreSpec, 'spec'),
              status: structuralSchema(dataStoreStatus, 'status'),
            },
            required: ['spec'],
          },
        },
      },
    ],
  },
})
