import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import type { Step } from '../steps.ts'
import { runDedicatedStore } from './dedicated-store.ts'
import { runRemoteStore } from './remote-store.ts'

const byKind: Readonly<Record<TenantControlPlaneSpec['dataStore']['kind'], Step['run']>> = {
  dedicated: runDedicatedStore,
  shared: runRemoteStore,
  external: runRemoteStore,
}

/** The tenant's data store, of whatever kind. */
export const dataStore: Step = {
  name: 'data store',
  condition: 'DataStoreReady',
  needs: [],
  run: (round, deps, before) => byKind[round.plane.spec.dataStore.kind](round, deps, before),
}
