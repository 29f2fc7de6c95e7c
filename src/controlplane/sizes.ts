import { quantityValue } from '../apis/quantity.ts'
import type { ClassSizes } from '../apis/tenant-class.ts'
import type { TenantControlPlaneSpec } from '../apis/tenant-control-plane.ts'

interface PodSize {
  readonly cpu: string
  readonly memory: string
  readonly memoryLimit: string
  /** Only where a class says so: a throttled API server answers late, which costs more than it saves. It holds a tenant that takes all it gets. */
  readonly cpuLimit?: string | undefined
  /** Heap that may be garbage before Go collects, in percent of what is in use (GOGC). */
  readonly goGc: number
}

interface PlaneSize {
  readonly etcd: PodSize
  readonly kubeApiServer: PodSize
  readonly kubeControllerManager: PodSize
  readonly coreDnsReplicas: number
}

// Idle, an API server has about 78 MiB in use, and on top of that as much garbage as GOGC lets it: 214, 148, 129 and 121 MiB of its own with 100, 40, 25
// and 15. Below 25 collecting costs more than it saves (docs/benchmarks.md). The others have little to collect.
const sizes: Record<TenantControlPlaneSpec['size'], PlaneSize> = {
  small: {
    etcd: { cpu: '25m', memory: '64Mi', memoryLimit: '512Mi', goGc: 50 },
    kubeApiServer: { cpu: '50m', memory: '256Mi', memoryLimit: '1Gi', goGc: 25 },
    kubeControllerManager: { cpu: '20m', memory: '96Mi', memoryLimit: '512Mi', goGc: 50 },
    coreDnsReplicas: 1,
  },
  medium: {
    etcd: { cpu: '100m', memory: '256Mi', memoryLimit: '2Gi', goGc: 100 },
    kubeApiServer: { cpu: '250m', memory: '512Mi', memoryLimit: '3Gi', goGc: 100 },
    kubeControllerManager: { cpu: '100m', memory: '256Mi', memoryLimit: '1Gi', goGc: 100 },
    coreDnsReplicas: 2,
  },
  large: {
    etcd: { cpu: '500m', memory: '1Gi', memoryLimit: '8Gi', goGc: 100 },
    kubeApiServer: { cpu: '1', memory: '2Gi', memoryLimit: '8Gi', goGc: 100 },
    kubeControllerManager: { cpu: '250m', memory: '512Mi', memoryLimit: '4Gi', goGc: 100 },
    coreDnsReplicas: 2,
  },
}

type ContainerSize = NonNullable<ClassSizes['small']>['etcd']

const withSaid = (own: PodSize, said: ContainerSize): PodSize => ({
  ...own,
  cpu: said?.requests?.cpu ?? own.cpu,
  memory: said?.requests?.memory ?? own.memory,
  memoryLimit: said?.limits?.memory ?? own.memoryLimit,
  cpuLimit: said?.limits?.cpu,
})

/** What the size of a control plane means: Berth's own numbers, but for those that its class says. */
export const planeSizeOf = (size: TenantControlPlaneSpec['size'], ofClass: ClassSizes = {}): PlaneSize => {
  const [own, said] = [sizes[size], ofClass[size] ?? {}]
  return {
    etcd: withSaid(own.etcd, said.etcd),
    kubeApiServer: withSaid(own.kubeApiServer, said.kubeApiServer),
    kubeControllerManager: withSaid(own.kubeControllerManager, said.kubeControllerManager),
    coreDnsReplicas: said.coreDNSReplicas ?? own.coreDnsReplicas,
  }
}

/**
 * Requests and limits of a container; what the tenant's spec asks for takes the place of the size's requests, and raises the limit of memory with it. That of CPU
 * stands: no request is more than it.
 */
export const resourcesOf = (size: PodSize, asked: { cpu?: string | undefined; memory?: string | undefined } = {}) => {
  const memory = asked.memory ?? size.memory
  const limit = quantityValue(memory) > quantityValue(size.memoryLimit) ? memory : size.memoryLimit
  const wanted = asked.cpu ?? size.cpu
  const { cpuLimit } = size
  const cpu = cpuLimit !== undefined && quantityValue(wanted) > quantityValue(cpuLimit) ? cpuLimit : wanted
  return { requests: { cpu, memory }, limits: { ...(cpuLimit !== undefined && { cpu: cpuLimit }), memory: limit } }
}

/**
 * Go's own memory settings: how much garbage may lie about at any time, and to collect harder before the kernel's limit ends the process. The soft limit stays well
 * above what a tenant of the size needs, as near it collecting takes up to half of the CPU: what saves memory at rest is GOGC.
 */
export const goMemoryEnv = (size: PodSize, memoryLimit: string): { name: string; value: string }[] => [
  { name: 'GOGC', value: String(size.goGc) },
  { name: 'GOMEMLIMIT', value: `${Math.floor((quantityValue(memoryLimit) * 0.8) / 2 ** 20)}MiB` },
]
