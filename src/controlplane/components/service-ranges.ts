import type { KubeObject } from '../../apis/kube-object.ts'
import { familyOf } from '../../tenancy/ip-ranges.ts'
import { managedByBerth, managedByLabel } from '../../tenancy/marks.ts'
import { firstSliceOf } from '../../tenancy/slices.ts'

/** The ranges, beside the one of each family that its flag names, of which the tenant's API server gives addresses to Services. It takes new ones up as it runs. */
export const serviceRanges = (slices: readonly string[]): readonly KubeObject[] =>
  slices
    .filter((slice) => slice !== firstSliceOf(slices, familyOf(slice)))
    .map((slice) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: `berth-${slice.replaceAll(/[./:]/g, '-')}`, labels: { [managedByLabel]: managedByBerth } },
      spec: { cidrs: [slice] },
    }))
