import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import type { Step } from '../steps.ts'
import { agentRecord } from './agent-record.ts'
import { certificates } from './certificates.ts'
import { dataStore } from './data-store.ts'
import { kubeconfig } from './kubeconfig.ts'
import { sync, usable } from './serving.ts'
import { superDoor } from './super-door.ts'
import { dns, tenantObjects } from './tenant-objects.ts'
import { apiServer, controllerManager, quota } from './workloads.ts'

/** The way to a running control plane. Order is meaning: it is the order of the writes. */
const steps: readonly Step[] = [
  certificates,
  dataStore,
  apiServer,
  controllerManager,
  kubeconfig,
  tenantObjects,
  dns,
  agentRecord,
  sync,
  usable,
  quota,
]

/** An API server whose store refuses it ends, and is then held back: it starts when a store that is not the tenant's own has let it in. */
const stepsWithRemoteStore: readonly Step[] = steps.map((step) =>
  step === apiServer ? { ...step, needs: [...step.needs, dataStore.name] } : step,
)

/** The steps for a tenant with this kind of data store, in super itself or apart from it. */
export const stepsFor = (kind: TenantControlPlaneSpec['dataStore']['kind'], isApart = false): readonly Step[] => {
  const all = kind === 'dedicated' ? steps : stepsWithRemoteStore
  return isApart ? all.flatMap((step) => (step === kubeconfig ? [step, superDoor] : [step])) : all
}

/** The step that stands for everything before the steps, when that fails. */
export const foundationStep = certificates
