import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import type { Component } from '../components/plane.ts'
import { etcd } from './etcd.ts'

/** The data store of each kind that a tenant may ask for. */
export const dataStores = { dedicated: etcd } as const satisfies Record<TenantControlPlaneSpec['dataStore']['kind'], Component>
