import { dataStoreSpec, dataStoreStatus } from './data-store.ts'
import { conditionPath, definitionOf } from './definition.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'

/** The CustomResourceDefinition of DataStore. */
export const dataStoreCrd = (): KubeObject =>
  definitionOf({
    type: resourceTypes.dataStores,
    // `ds` is kubectl's own, for DaemonSets.
    shortName: 'bds',
    description: 'An etcd that tenants may share instead of having one of their own.',
    columns: [
      { name: 'Ready', type: 'string', jsonPath: conditionPath('Ready', 'status') },
      { name: 'Tenants', type: 'integer', jsonPath: '.status.tenantCount' },
      { name: 'Size', type: 'string', jsonPath: '.status.size' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Message', type: 'string', jsonPath: conditionPath('Ready', 'message'), priority: 1 },
    ],
    spec: dataStoreSpec,
    status: dataStoreStatus,
  })
