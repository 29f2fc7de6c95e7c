import type { SyncContext, SyncedResource } from '../resource.ts'
import { configMaps } from './config-maps.ts'
import { customResource } from './custom-kinds.ts'
import { endpointSlices } from './endpoint-slices.ts'
import { ingresses } from './ingresses.ts'
import { namespaces } from './namespaces.ts'
import { networkPolicies } from './network-policies.ts'
import { persistentVolumeClaims } from './persistent-volume-claims.ts'
import { podDisruptionBudgets } from './pod-disruption-budgets.ts'
import { pods } from './pods.ts'
import { secrets } from './secrets.ts'
import { services } from './services.ts'

/** The kinds that go down for one tenant: the known ones and those declared for it. */
export const resourcesOf = ({ customKinds }: Pick<SyncContext, 'customKinds'>): readonly SyncedResource[] => [
  ...syncedResources,
  ...customKinds.map(customResource),
]

/** Every kind that goes down for all tenants. Nodes, PersistentVolumes, StorageClasses and Events only come up and have no pair: the engine has a file for each. */
export const syncedResources: readonly SyncedResource[] = [
  namespaces,
  configMaps,
  secrets,
  persistentVolumeClaims,
  services,
  endpointSlices,
  ingresses,
  networkPolicies,
  podDisruptionBudgets,
  pods,
]
