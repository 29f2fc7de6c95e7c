import type { Step } from '../steps.ts'
import { agentRecord } from './agent-record.ts'
import { certificates } from './certificates.ts'
import { dataStore } from './data-store.ts'
import { kubeconfig } from './kubeconfig.ts'
import { sync, usable } from './serving.ts'
import { dns, tenantObjects } from './tenant-objects.ts'
import { apiServer, controllerManager, quota } from './workloads.ts'

/** The way to a running control plane. Order is meaning: it is the order of the writes. */
export const steps: readonly Step[] = [
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

/** The step that stands for everything before the steps, when that fails. */
export const foundationStep = certificates
