/** What the default isolation refuses, what needs an image registry, and what asks for a taint or a class of the machine: see docs/conformance.md. */
const notHere = [
  'RuntimeClass should schedule',
  'HostPort',
  'node-pod communication',
  'DisruptionTarget',
  'fail the job early',
  'evicted statefulset',
  'read only busybox',
  'pull policy of Always',
]

/** What kubelets of the super cluster have and API servers before 1.37 do not. */
const since37 = ['MinimumKubeletVersion:1\\.37', 'TrustBundle', 'PodCertificate']

/**
 * The specs that `make test` runs in a tenant of each version served: what passes in super and takes seconds, over pods, configuration, volumes,
 * workloads, Services, DNS, logs and exec. All of them run with `make conformance`.
 */
export const subset = (version: string) => ({
  focus: '\\[Conformance\\]',
  skip: ['\\[Serial\\]', '\\[Slow\\]', '\\[Disruptive\\]', ...notHere, ...(version.startsWith('v1.36.') ? since37 : [])].join(
    '|',
  ),
  shard: { index: 1, count: 12 },
  procs: 8,
  timeoutMs: 7 * 60_000,
})
