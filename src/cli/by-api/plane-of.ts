import { apiVersionOf, resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { Tenant } from '../../client/index.ts'

const type = resourceTypes.tenantControlPlanes

/** A tenant of the API as the object that it is: it is printed as with the management cluster. */
export const planeOf = (tenant: Tenant): TenantControlPlane =>
  ({
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {
      name: tenant.name,
      namespace: tenant.organization,
      uid: tenant.uid,
      labels: tenant.labels,
      generation: tenant.generation,
      creationTimestamp: tenant.createdAt,
      ...(tenant.deletingSince !== undefined && { deletionTimestamp: tenant.deletingSince }),
    },
    spec: tenant.spec,
    status: { ...tenant.status, version: tenant.status.version ?? tenant.version },
  }) as unknown as TenantControlPlane
