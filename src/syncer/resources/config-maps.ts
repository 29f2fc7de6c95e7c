import { resourceTypes } from '../../apis/resource-types.ts'
import { superConfigName } from '../../tenancy/names.ts'
import { defineResource } from '../resource.ts'

/** ConfigMaps that something synced refers to: the data alone, since labels and annotations could only steer super's own operators. */
export const configMaps = defineResource({
  type: resourceTypes.configMaps,
  byReference: true,
  superWatch: 'none',
  goneInSuper: 'recreate',
  toSuper: ({ metadata: { name = '' }, data, binaryData, immutable }) => ({
    kind: 'object',
    body: {
      name: superConfigName(name),
      labels: {},
      annotations: {},
      fields: { ...(data && { data }), ...(binaryData && { binaryData }), ...(immutable && { immutable }) },
    },
  }),
  update: (live, wanted) =>
    live.immutable ? { kind: 'recreate' } : { kind: 'replace', object: { ...wanted, metadata: live.metadata } },
})
