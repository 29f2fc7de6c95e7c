import { specInForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { type Controller, type ControllerOptions, createController } from '../../runtime/controller.ts'
import { isolationSettings } from '../../tenancy/isolation.ts'
import { createNetworkProbe, type NetworkProbe, type ProbeOptions } from './keep-probe.ts'

type Run = Pick<ControllerOptions, 'log' | 'metrics' | 'tracing'>

/** The probe with what keeps it going, while some tenant is to be kept apart. */
export const createProbeController = (
  { tenants, ...options }: Omit<ProbeOptions, 'isWanted'> & { readonly tenants: () => readonly TenantControlPlane[] },
  run: Run,
): Pick<NetworkProbe, 'enforcement' | 'nodesChanged'> & Pick<Controller, 'start' | 'stop'> => {
  const isWanted = (): boolean => tenants().some((tenant) => isolationSettings(specInForce(tenant).isolation).network.apart)
  const probe = createNetworkProbe({ ...options, isWanted })
  const controller = createController({
    ...run,
    name: 'network-probe',
    concurrency: 1,
    reconcile: (_, signal) => probe.reconcile(signal),
  })
  return {
    enforcement: () => probe.enforcement(),
    nodesChanged: () => probe.nodesChanged(),
    start: async () => {
      controller.enqueue('super')
      await controller.start()
    },
    stop: (how) => controller.stop(how),
  }
}
