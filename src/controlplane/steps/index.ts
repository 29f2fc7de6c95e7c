import type { Step } from '../steps.ts'
import { agentRecord } from './agent-record.ts'
import { dataStore } from './data-store.ts'
import { kubeconfig } from './kubeconfig.ts'
import { sync, usable } from './serving.ts'
import { dns, tenantObjects } from './tenant-objects.ts'
import { apiServer, controllerManager, quota } from './workloads.ts'

/** Keys and policies are laid before any step runs; what is left of that step is its condition. */
const certificates: Step = {
  name: 'certificates',
  condition: 'CertificatesReady',
  needs: [],
  run: async () => ({ kind: 'done', reason: 'Issued', message: 'all keys and certificates are in place' }),
}

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
