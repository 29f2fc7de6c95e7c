import fc from 'fast-check'
import { listOf, mapOf, optional } from './draw.ts'
import { className, configName, forged, hostileLabels, hostileSelector, labelName, namespaceNames } from './words.ts'

/** Addresses: of nobody, of the tenant's only pod, and of what a tenant may not lead anybody to. */
export const freeAddress = '198.51.100.7'
export const podAddress = '10.244.1.1'
const address = fc.constantFrom(
  ...Array.from({ length: 4 }, () => freeAddress),
  podAddress,
  '10.244.9.9',
  '192.0.2.1',
  '10.96.4.5',
  '127.0.0.1',
  '::1',
  '169.254.169.254',
  '::ffff:127.0.0.1',
  'fd00:ec2::254',
)

const data = mapOf(fc.constantFrom('key', '__proto__', 'constructor', 'kube-root-ca.crt'), fc.constantFrom(forged, 'eA==', ''))

export const configMapFields = optional({
  data,
  binaryData: data,
  immutable: fc.boolean(),
})

export const secretFields = optional({
  type: fc.constantFrom(
    'Opaque',
    'kubernetes.io/tls',
    'kubernetes.io/service-account-token',
    'bootstrap.kubernetes.io/token',
    'x',
  ),
  data,
  stringData: data,
  immutable: fc.boolean(),
})

export const namespaceFields = optional({ spec: optional({ finalizers: fc.constant(['kubernetes', forged]) }) })

const port = fc.record(
  {
    name: fc.constantFrom('http', 'constructor'),
    port: fc.constantFrom(80, 443),
    protocol: fc.constantFrom('TCP', 'UDP'),
    targetPort: fc.constantFrom<unknown>(80, 'http'),
    nodePort: fc.constantFrom(0, 30080, 22),
  },
  { requiredKeys: ['port'] },
)
const clusterAddress = fc.constantFrom('10.96.4.5', '10.96.4.5', 'None', '', '10.96.9.9', '10.96.4.1', '::ffff:10.96.4.1')

export const serviceFields = fc.record({
  spec: optional({
    allocateLoadBalancerNodePorts: fc.boolean(),
    clusterIP: clusterAddress,
    clusterIPs: listOf(clusterAddress),
    externalName: fc.constantFrom('kubernetes.default.svc', '169.254.169.254'),
    externalTrafficPolicy: fc.constantFrom('Local', 'Cluster'),
    healthCheckNodePort: fc.constantFrom(0, 30081),
    ipFamilies: fc.constantFrom(['IPv4'], ['IPv4', 'IPv6']),
    ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack'),
    loadBalancerClass: className,
    loadBalancerSourceRanges: fc.constant(['0.0.0.0/0']),
    ports: listOf(port),
    publishNotReadyAddresses: fc.boolean(),
    selector: hostileLabels,
    sessionAffinity: fc.constant('ClientIP'),
    type: fc.constantFrom('ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
  }),
})

const endpoint = fc.record(
  {
    addresses: fc.array(address, { minLength: 1, maxLength: 2 }),
    conditions: fc.constant({ ready: true }),
    hostname: fc.constant('web'),
    nodeName: fc.constant(forged),
    zone: fc.constant(forged),
    hints: fc.constant({ forZones: [{ name: forged }] }),
    deprecatedTopology: fc.constant({ 'kubernetes.io/hostname': forged }),
    targetRef: fc.constant({ kind: 'Pod', namespace: 'kube-system', name: forged }),
  },
  { requiredKeys: ['addresses'] },
)

export const endpointSliceFields = fc.record(
  {
    addressType: fc.constantFrom('IPv4', 'IPv4', 'IPv6', 'FQDN'),
    endpoints: fc.option(listOf(endpoint)),
    ports: fc.option(listOf(port)),
  },
  { requiredKeys: ['addressType', 'endpoints'] },
)

const backend = fc.record({ service: fc.record({ name: labelName, port: fc.constant({ number: 80 }) }) })
const path = fc.record(
  { backend, path: fc.constantFrom('/', '/a', '/a;b', '/{x}'), pathType: fc.constantFrom('Prefix', 'ImplementationSpecific') },
  { requiredKeys: ['backend', 'pathType'] },
)
const host = fc.constantFrom('a.example', '*.example', '')

export const ingressFields = fc.record({
  spec: optional({
    ingressClassName: className,
    defaultBackend: backend,
    rules: listOf(optional({ host, http: fc.record({ paths: listOf(path) }) })),
    tls: listOf(optional({ hosts: listOf(host), secretName: configName })),
  }),
})

const cidr = fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '198.51.100.0/24', '10.96.0.0/12', '::/0', '169.254.169.254/32')
const peer = fc.oneof(
  optional({ podSelector: hostileSelector, namespaceSelector: hostileSelector }),
  fc.record({ ipBlock: fc.record({ cidr, except: listOf(cidr) }, { requiredKeys: ['cidr'] }) }),
)
const policyPort = optional({
  port: fc.constantFrom<unknown>(80, 'http'),
  endPort: fc.constant(90),
  protocol: fc.constant('TCP'),
})

export const networkPolicyFields = optional({
  spec: optional({
    podSelector: hostileSelector,
    ingress: listOf(optional({ from: listOf(peer), ports: listOf(policyPort, 1) })),
    egress: listOf(optional({ to: listOf(peer), ports: listOf(policyPort, 1) })),
    policyTypes: fc.constant(['Ingress', 'Egress']),
  }),
})

export const podDisruptionBudgetFields = optional({
  spec: optional({
    selector: fc.option(hostileSelector),
    minAvailable: fc.constantFrom<unknown>(1, -1, '50%', forged),
    maxUnavailable: fc.constantFrom<unknown>(0, '50%'),
    unhealthyPodEvictionPolicy: fc.constant('AlwaysAllow'),
  }),
  status: optional({ desiredHealthy: fc.integer(), expectedPods: fc.nat(), observedGeneration: fc.constant(1) }),
})

const source = fc.record(
  {
    apiGroup: fc.constantFrom('', 'snapshot.storage.k8s.io', 'example.com'),
    kind: fc.constantFrom('PersistentVolumeClaim', 'PersistentVolumeClaim', 'VolumeSnapshot', 'Population'),
    name: labelName,
  },
  { requiredKeys: ['kind', 'name'] },
)
const anySource = fc.oneof(
  { arbitrary: source, weight: 6 },
  {
    arbitrary: fc.tuple(source, fc.constantFrom(...namespaceNames)).map(([ref, namespace]) => ({ ...ref, namespace })),
    weight: 1,
  },
)

export const claimFields = fc.record(
  {
    spec: optional({
      accessModes: fc.constant(['ReadWriteOnce']),
      dataSource: source,
      dataSourceRef: anySource,
      resources: fc.constant({ requests: { storage: '1Gi' } }),
      storageClassName: className,
      volumeAttributesClassName: className,
      volumeMode: fc.constantFrom('Filesystem', 'Block'),
      volumeName: fc.constantFrom('', '', '', 'pv-of-others'),
    }),
    status: optional({ phase: fc.constantFrom('Pending', 'Bound', 'Lost') }),
  },
  { requiredKeys: ['spec'] },
)

export const snapshotSpec = optional({
  volumeSnapshotClassName: className,
  source: optional({
    persistentVolumeClaimName: labelName,
    volumeSnapshotContentName: fc.constantFrom('', '', '', 'content-of-others'),
  }),
})
