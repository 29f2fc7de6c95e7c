import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import type { Component } from '../components/plane.ts'
import { componentNames } from '../names.ts'
import { etcd } from './etcd.ts'

/** A data store that runs elsewhere: nothing of it is in the control-plane namespace. */
const remote: Component = { name: componentNames.etcd, desired: () => [] }

/** What of the data store runs in the control-plane namespace, by each kind that a tenant may ask for. */
export const dataStores = { dedicated: etcd, shared: remote, external: remote } as const satisfies Record<
  TenantControlPlaneSpec['dataStore']['kind'],
  Component
>
