/** Which series of one of the kubelet's metric pages a tenant may see. What is not named here does not pass. */
export interface MetricRule {
  /** Start of the names of series. */
  readonly families: RegExp
  /** A series with any other label is dropped: nobody has looked at what it tells. */
  readonly labels: ReadonlySet<string>
  /** Label that names the pod or the claim; the namespace says whose it is. */
  readonly owner: 'pod' | 'persistentvolumeclaim'
  /** Series without labels that are kept for the rules of their own which the path has. */
  readonly node: ReadonlySet<string>
}

const none: ReadonlySet<string> = new Set()

/** The kubelet's path -> rule. Names and labels are those of Kubernetes 1.37 and of the cAdvisor in it. */
export const metricRules = {
  '/metrics/resource': {
    families: /^(?:container|pod)_/,
    labels: new Set(['namespace', 'pod', 'container']),
    owner: 'pod',
    node: new Set(['scrape_error', 'resource_scrape_error']),
  },
  '/metrics/cadvisor': {
    families: /^container_/,
    labels: new Set([
      'namespace',
      'pod',
      'container',
      'id',
      'image',
      'name',
      'cpu',
      'device',
      'event',
      'failure_type',
      'interface',
      'major',
      'minor',
      'node',
      'operation',
      'pagesize',
      'scope',
      'state',
      'tcp_state',
      'type',
      'udp_state',
      'ulimit',
    ]),
    owner: 'pod',
    node: none,
  },
  '/metrics/probes': {
    families: /^prober_probe_/,
    labels: new Set(['namespace', 'pod', 'pod_uid', 'container', 'probe_type', 'result', 'le']),
    owner: 'pod',
    node: none,
  },
  // The kubelet's own metrics are about the node and all that is on it; how full volumes are is told nowhere else.
  '/metrics': {
    families: /^kubelet_volume_stats_/,
    labels: new Set(['namespace', 'persistentvolumeclaim']),
    owner: 'persistentvolumeclaim',
    node: none,
  },
} as const satisfies Record<string, MetricRule>

export type MetricsPath = keyof typeof metricRules
