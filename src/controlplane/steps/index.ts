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

/** Super is led to a new way in before the one of before is taken away. */
const apart = (all: readonly Step[]): readonly Step[] => all.flatMap((step) => (step === kubeconfig ? [superDoor, step] : [step]))
const stepsApart = apart(steps)
const stepsApartWithRemoteStore = apart(stepsWithRemoteStore)

/** The steps for a tenant with this kind of data store, in super itself or apart from it. */
export const stepsFor = (kind: TenantControlPlaneSpec['dataStore']['kind'], isApart = false): readonly Step[] => {
  if (isApart) return kind === 'dedicated' ? stepsApart : stepsApartWithRemoteStore
  return kind === 'dedicated' ? steps : stepsWithRemoteStore
}

/** The step that stands for everything before the steps, when that fails. */
export const foundationStep = certificates
