import { kindKey, resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import { type ClaimView, claimView, createClaims } from '../claims.ts'
import { gatewayTypes } from '../gateways/kinds.ts'
import { readAll } from './snapshot.ts'

const { pods, ingresses } = resourceTypes

/** What a translation goes by of objects that lay claim to something in super, read once: the tenant's pods, and Ingresses, Gateways and routes of all tenants. */
export const readClaims = async (
  tenantUid: string,
  { superClient, signal }: { readonly superClient: Pick<KubeClient, 'list'>; readonly signal: AbortSignal },
): Promise<ClaimView> => {
  const kinds = [
    { type: pods, labelSelector: `${tenantLabel}=${tenantUid}` },
    { type: ingresses, labelSelector: tenantLabel },
    ...gatewayTypes.map((type) => ({ type, labelSelector: tenantLabel, optional: true })),
  ]
  const found = await readAll(superClient, kinds, signal)
  const claims = createClaims()
  for (const { type } of kinds) {
    for (const object of found.get(kindKey(type)) ?? []) claims.heard({ type, event: 'added', object, old: undefined }, new Map())
  }
  return claimView(claims, tenantUid)
}
