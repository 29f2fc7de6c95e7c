/** What becomes of one path of the kubelet's. */
export interface KubeletPath {
  /** As the kubelet registers it (pkg/kubelet/server of Kubernetes 1.37). */
  readonly path: string
  readonly methods: readonly string[]
  /** `session`: goes on to the tenant's own pod. `filtered`: the tenant's part of it. `answered`: by vn-agent alone. `absent`: 404. */
  readonly fate: 'session' | 'filtered' | 'answered' | 'absent'
  readonly why: string
}

const stream = ['GET', 'POST']
const get = ['GET']

/** Every path that a kubelet serves, in the order of its source. What is not here is not there. */
export const kubeletPaths: readonly KubeletPath[] = [
  { path: '/healthz', methods: get, fate: 'answered', why: 'vn-agent runs; how the node is, its Node says' },
  { path: '/healthz/{check}', methods: get, fate: 'absent', why: "the kubelet's own loops are nothing a tenant can mend" },
  { path: '/metrics/slis', methods: get, fate: 'absent', why: 'about the kubelet alone' },
  {
    path: '/pods',
    methods: get,
    fate: 'filtered',
    why: "the tenant's pods on the node with the tenant's names, UIDs, labels and annotations, what both sides share of the spec, and the status; without environment, volumes and owners",
  },
  { path: '/stats/summary', methods: get, fate: 'filtered', why: "the tenant's pods; the node is the sum of them" },
  {
    path: '/metrics',
    methods: get,
    fate: 'filtered',
    why: "how full the tenant's claims are (`kubelet_volume_stats_*`); all else is about the node and those on it",
  },
  { path: '/metrics/cadvisor', methods: get, fate: 'filtered', why: "series of the tenant's pods; none of the machine" },
  {
    path: '/metrics/resource',
    methods: get,
    fate: 'filtered',
    why: "series of the tenant's pods; the node's use is the sum of them, so that `kubectl top node` tells nothing of others",
  },
  { path: '/metrics/probes', methods: get, fate: 'filtered', why: "series of the tenant's pods" },
  {
    path: '/run/{namespace}/{pod}[/{uid}]/{container}',
    methods: ['POST'],
    fate: 'absent',
    why: 'no API server asks for it; `kubectl exec` is the way',
  },
  { path: '/exec/{namespace}/{pod}[/{uid}]/{container}', methods: stream, fate: 'session', why: 'SPDY and WebSocket' },
  { path: '/attach/{namespace}/{pod}[/{uid}]/{container}', methods: stream, fate: 'session', why: 'SPDY and WebSocket' },
  { path: '/portForward/{namespace}/{pod}[/{uid}]', methods: stream, fate: 'session', why: 'SPDY and WebSocket' },
  { path: '/containerLogs/{namespace}/{pod}/{container}', methods: get, fate: 'session', why: 'with every option of the API' },
  { path: '/configz', methods: get, fate: 'absent', why: 'how the node is set up is the business of super' },
  {
    path: '/allocatedPods',
    methods: get,
    fate: 'absent',
    why: "the kubelet's own accounts; a pod's status says what it was given",
  },
  { path: '/runningpods/', methods: get, fate: 'filtered', why: "the tenant's pods that have a running container" },
  {
    path: '/checkpoint/{namespace}/{pod}/{container}',
    methods: ['POST'],
    fate: 'absent',
    why: "it writes a container's memory to the node's disk, where it stays",
  },
  { path: '/logs/', methods: get, fate: 'absent', why: "the node's own log folder, with the logs of all tenants in it" },
  { path: '/debug/pprof/', methods: get, fate: 'absent', why: 'shows and slows the kubelet of all' },
  { path: '/debug/flags/v', methods: ['PUT'], fate: 'absent', why: 'changes the kubelet of all' },
  { path: '/flagz', methods: get, fate: 'absent', why: 'how the node is set up is the business of super' },
  { path: '/statusz', methods: get, fate: 'absent', why: 'about the kubelet alone' },
]
