/**
 * The specs that `make test` runs in a tenant of each version served: what passes in super and takes seconds, over pods, configuration, volumes,
 * workloads, Services, DNS, logs and exec. All of them run with `make conformance`.
 */
export const subset = {
  focus: '\\[Conformance\\]',
  skip: '\\[Serial\\]|\\[Slow\\]|\\[Disruptive\\]',
  shard: { index: 1, count: 6 },
  procs: 8,
  timeoutMs: 8 * 60_000,
} as const
