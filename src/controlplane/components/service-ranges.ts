import type { KubeObject } from '../../apis/kube-object.ts'
import { managedByBerth, managedByLabel } from '../../tenancy/marks.ts'

/** The ranges, beside the one that its flag names, of which the tenant's API server gives addresses to Services. It takes new ones up as it runs. */
export const serviceRanges = (slices: readonly string[]): readonly KubeObject[] =>
  slices.slice(1).map((slice) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: `berth-${slice.replaceAll(/[./]/g, '-')}`, labels: { [managedByLabel]: managedByBerth } },
    spec: { cidrs: [slice] },
  }))
