/** Flags of one binary that a spec may not set, and why. */
export interface ClosedFlags {
  readonly why: string
  readonly names: readonly string[]
  /** All flags that begin so. */
  readonly prefixes: readonly string[]
}

const ended = { why: 'it ends the process', names: ['help', 'version'], prefixes: [] }

/** Of kube-apiserver. Berth's own flags are here too: a test compares them with what the component sets, and with all flags of each version served. */
export const closedApiServerFlags: readonly ClosedFlags[] = [
  {
    why: 'Berth sets it',
    names: [
      'admission-control',
      'allow-privileged',
      'disable-admission-plugins',
      'enable-aggregator-routing',
      'service-cluster-ip-range',
      'shutdown-delay-duration',
    ],
    prefixes: [],
  },
  { why: 'the data store and its encryption are kept by Berth', names: [], prefixes: ['etcd-', 'encryption-', 'storage-'] },
  {
    why: 'addresses and certificates are kept by Berth; spec.apiServer.exposure and extraSANs change them',
    names: ['advertise-address', 'bind-address', 'cert-dir', 'disable-http2-serving', 'external-hostname', 'secure-port'],
    prefixes: ['permit-', 'tls-'],
  },
  {
    why: 'who may come in, and who may do what, is kept by Berth',
    names: ['anonymous-auth', 'api-audiences', 'client-ca-file', 'enable-bootstrap-token-auth', 'token-auth-file'],
    prefixes: ['authentication-', 'authorization-', 'oidc-', 'requestheader-', 'service-account-'],
  },
  {
    why: 'the ways from the API server to nodes, webhooks and itself are kept by Berth',
    names: [
      'aggregator-reject-forwarding-redirect',
      'egress-selector-config-file',
      'endpoint-reconciler-type',
      'kubernetes-service-node-port',
    ],
    prefixes: ['kubelet-', 'peer-', 'proxy-client-'],
  },
  { why: 'audit logs have no place to go yet', names: [], prefixes: ['audit-'] },
  {
    why: 'it reads a file, or opens the process to those who look into it',
    names: [
      'admission-control-config-file',
      'allow-metric-labels-manifest',
      'contention-profiling',
      'debug-socket-path',
      'enable-logs-handler',
      'profiling',
      'tracing-config-file',
    ],
    prefixes: [],
  },
  {
    why: 'spec.version says which version it is',
    names: ['min-compatibility-version', 'runtime-config-emulation-forward-compatible'],
    prefixes: ['emulat'],
  },
  ended,
]

/** Of kube-controller-manager. */
export const closedControllerManagerFlags: readonly ClosedFlags[] = [
  {
    why: 'Berth sets it',
    names: [
      'controllers',
      'kube-api-burst',
      'kube-api-qps',
      'kubeconfig',
      'leader-elect',
      'master',
      'root-ca-file',
      'service-account-private-key-file',
      'use-service-account-credentials',
    ],
    prefixes: ['leader-elect-resource-'],
  },
  {
    why: 'addresses and certificates are kept by Berth',
    names: [
      'bind-address',
      'cert-dir',
      'cluster-signing-cert-file',
      'cluster-signing-key-file',
      'disable-http2-serving',
      'secure-port',
    ],
    prefixes: ['cluster-signing-kube', 'cluster-signing-legacy', 'permit-', 'tls-'],
  },
  {
    why: 'who may come in, and who may do what, is kept by Berth',
    names: ['client-ca-file'],
    prefixes: ['authentication-', 'authorization-', 'requestheader-'],
  },
  {
    why: 'nodes, their addresses and the cloud are those of super',
    names: [
      'allocate-node-cidrs',
      'cidr-allocator-type',
      'cluster-cidr',
      'configure-cloud-routes',
      'external-cloud-volume-plugin',
      'route-reconciliation-period',
      'service-cluster-ip-range',
    ],
    prefixes: ['cloud-', 'node-cidr-'],
  },
  {
    why: 'it reads a file or touches the host, or opens the process to those who look into it',
    names: [
      'allow-metric-labels-manifest',
      'contention-profiling',
      'enable-hostpath-provisioner',
      'enable-leader-migration',
      'flex-volume-plugin-dir',
      'leader-migration-config',
      'profiling',
    ],
    prefixes: ['pv-recycler-'],
  },
  { why: 'spec.version says which version it is', names: ['min-compatibility-version'], prefixes: ['emulat'] },
  ended,
]

/** Most flags that a spec may add to one component. */
export const maxExtraArgs = 32

/** As the binaries take them. `_` is out, which they take for `-`; so are `=` and spaces, behind which another flag could hide. */
const flagName = /^[a-z][a-z0-9-]{0,62}$/

/** Why a spec may not set a flag; undefined when it may. Whether the binary knows the flag is not said. */
export const flagRefusal = (name: string, closed: readonly ClosedFlags[]): string | undefined => {
  if (!flagName.test(name)) return 'it is no name of a flag: lower-case letters, digits and -, without the dashes in front'
  return closed.find(({ names, prefixes }) => names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)))?.why
}

const quoted = (texts: readonly string[]): string => `[${texts.map((text) => `'${text}'`).join(', ')}]`

/** The same as CEL rules of a map of flags. Names that are none are left to the manager: CEL counts their length without a bound. */
export const closedFlagRules = (closed: readonly ClosedFlags[]): { rule: string; message: string }[] =>
  closed.map(({ why, names, prefixes }) => ({
    rule: `self.all(flag, ${[
      ...(names.length > 0 ? [`!(flag in ${quoted(names)})`] : []),
      ...prefixes.map((prefix) => `!flag.startsWith('${prefix}')`),
    ].join(' && ')})`,
    message: `not to be set: ${[...names, ...prefixes.map((prefix) => `${prefix}*`)].join(', ')}: ${why}`,
  }))
