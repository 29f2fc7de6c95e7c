import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ensureBinaries } from '../../../hack/binaries.ts'
import { type ClosedFlags, closedApiServerFlags, closedControllerManagerFlags, flagRefusal } from '../../apis/closed-flags.ts'
import { servedMinors } from '../../testing/test-binaries.ts'

// A new version brings new flags: each of them is to be looked at, and is then in one list or the other.
const openApiServerFlags = [
  'allow-metric-labels',
  'coordinated-leadership-lease-duration',
  'coordinated-leadership-renew-deadline',
  'coordinated-leadership-retry-period',
  'cors-allowed-origins',
  'default-not-ready-toleration-seconds',
  'default-unreachable-toleration-seconds',
  'delete-collection-workers',
  'disabled-metrics',
  'enable-admission-plugins',
  'enable-garbage-collector',
  'enable-priority-and-fairness',
  'event-ttl',
  'feature-gates',
  'goaway-chance',
  'http2-max-streams-per-connection',
  'lease-reuse-duration-seconds',
  'livez-grace-period',
  'log-flush-frequency',
  'log-json-info-buffer-size',
  'log-json-split-stream',
  'log-text-info-buffer-size',
  'log-text-split-stream',
  'logging-format',
  'max-connection-bytes-per-sec',
  'max-mutating-requests-inflight',
  'max-requests-inflight',
  'min-request-timeout',
  'request-timeout',
  'runtime-config',
  'service-node-port-range',
  'show-hidden-metrics-for-version',
  'shutdown-send-retry-after',
  'shutdown-watch-termination-grace-period',
  'strict-transport-security-directives',
  'v',
  'vmodule',
  'watch-cache',
  'watch-cache-sizes',
]
const openControllerManagerFlags = [
  'allow-metric-labels',
  'attach-detach-reconcile-sync-period',
  'cluster-name',
  'cluster-signing-duration',
  'concurrent-',
  'controller-shutdown-timeout',
  'controller-start-interval',
  'disable-attach-detach-reconcile-sync',
  'disable-force-detach-on-timeout',
  'disabled-metrics',
  'enable-dynamic-provisioning',
  'enable-garbage-collector',
  'endpoint-updates-batch-period',
  'endpointslice-updates-batch-period',
  'feature-gates',
  'horizontal-pod-autoscaler-',
  'http2-max-streams-per-connection',
  'kube-api-content-type',
  'large-cluster-size-threshold',
  'leader-elect-lease-duration',
  'leader-elect-renew-deadline',
  'leader-elect-retry-period',
  'legacy-service-account-token-clean-up-period',
  'log-',
  'logging-format',
  'max-endpoints-per-slice',
  'min-resync-period',
  'mirroring-',
  'namespace-sync-period',
  'node-eviction-rate',
  'node-monitor-',
  'node-startup-grace-period',
  'pvclaimbinder-sync-period',
  'resource-quota-sync-period',
  'secondary-node-eviction-rate',
  'show-hidden-metrics-for-version',
  'terminated-pod-gc-threshold',
  'unhealthy-zone-threshold',
  'v',
  'vmodule',
]

const flagsOf = async (program: string): Promise<string[]> => {
  const { stdout } = await promisify(execFile)(program, ['--help'], { maxBuffer: 2 ** 22 })
  return [...stdout.matchAll(/^ +(?:-[a-z], )?--([A-Za-z0-9_-]+)/gm)].map(([, name]) => name ?? '')
}

describe('every flag', () => {
  test.for(
    servedMinors.flatMap((minor): [string, string, readonly ClosedFlags[], readonly string[]][] => [
      ['kube-apiserver', minor, closedApiServerFlags, openApiServerFlags],
      ['kube-controller-manager', minor, closedControllerManagerFlags, openControllerManagerFlags],
    ]),
  )('of %s %s is closed, or known to be harmless', async ([program, minor, closed, open]) => {
    const id = `${program}@${minor}` as Parameters<typeof ensureBinaries>[0][number]
    const flags = await flagsOf((await ensureBinaries([id]))[id])
    expect(flags.length).toBeGreaterThan(100)
    const isOpen = (flag: string) => open.some((each) => (each.endsWith('-') ? flag.startsWith(each) : flag === each))
    expect(flags.filter((flag) => flagRefusal(flag, closed) === undefined && !isOpen(flag))).toEqual([])
    // No rule is about a flag that is no more.
    const gone = closed.flatMap(({ names, prefixes }) => [
      ...names.filter((name) => !flags.includes(name)),
      ...prefixes.filter((prefix) => !flags.some((flag) => flag.startsWith(prefix))),
    ])
    expect(gone).toEqual([])
    expect(flags.filter((flag) => isOpen(flag) && flagRefusal(flag, closed) !== undefined)).toEqual([])
  })
})
