import { systemNamespace } from '../../hack/install/index.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { TenantOfClass } from '../set-up.ts'
import type { NeighboursOptions } from './options.ts'

const className = 'bench-trial'

/** So little is a control plane's weight against others where the CPU is short: it uses as much when nobody asks it for anything. */
const requests = { cpu: '10m' }

/** What an operator gives to those of whom nothing is known yet: a control plane that comes last and is held to a share of the CPU. And so many writes, for all. */
export const trialClass = ({ milliCpu, writesPerSecond }: NeighboursOptions): TenantOfClass => ({
  className,
  make: async (superClient) => {
    const limited = (cpu: number) => ({ requests, limits: { cpu: `${cpu}m` } })
    const half = Math.max(25, Math.floor(milliCpu / 2))
    const small = { kubeApiServer: limited(milliCpu), etcd: limited(half), kubeControllerManager: limited(half) }
    const spec = { sizes: { small } }
    const trial = { apiVersion: 'berth.dev/v1alpha1', kind: 'TenantClass', metadata: { name: className }, spec }
    await superClient.apply(resourceTypes.tenantClasses, trial, { fieldManager: 'berth-bench', force: true })
    const env = [{ name: 'BERTH_TENANT_WRITES_PER_SECOND', value: String(writesPerSecond) }]
    const patch = { spec: { template: { spec: { containers: [{ name: 'syncer', env }] } } } }
    const ref = { name: 'berth-syncer', namespace: systemNamespace }
    await superClient.patch(resourceTypes.deployments, ref, patch, { type: 'strategic' })
  },
})
