import fc from 'fast-check'
import { podSecretName, superNamespace } from '../../tenancy/names.ts'
import { listOf, mapOf, optional } from './draw.ts'

/** What a tenant says where only Berth has something to say. None of Berth's own words in super may have it. */
export const forged = 'forged'

/** Legal names of namespaces: of people, of the platform, and another tenant's in super. */
export const namespaceNames: readonly string[] = [
  'shop',
  'infra',
  'kube-system',
  'berth-system',
  'constructor',
  'n'.repeat(63),
  superNamespace({ uid: 'other', name: 'globex' }, 'shop'),
]

/** Names that mean something in super and that a tenant's Secrets and ConfigMaps may have all the same. */
export const reservedConfigNames: readonly string[] = [
  'kube-root-ca.crt',
  'kube-root-ca.crt.berth',
  'web.berth',
  podSecretName('web', 'other', 'token'),
]

export const configName = fc.constantFrom('web', 'constructor', ...reservedConfigNames)

/** As API servers let objects be named: labels of a host name, and for most kinds several with dots between. */
export const labelName = fc.constantFrom('web', 'kubernetes', 'constructor', 'tostring', 'n'.repeat(63))
export const anyName = fc.oneof(labelName, configName, fc.constant(`${'n'.repeat(240)}.last`))

/** Classes of super as a tenant calls them: the first one is offered. */
export const offeredClass = 'offered'
export const className = fc.oneof(
  { arbitrary: fc.constant(offeredClass), weight: 10 },
  { arbitrary: fc.constantFrom('internal', `super-${offeredClass}`), weight: 1 },
)

const berthKeys = [
  'berth.dev/tenant',
  'berth.dev/namespace',
  'berth.dev/name',
  'berth.dev/uid',
  'berth.dev/wanted-hash',
  'berth.dev/keys',
  'berth.dev/node-ports',
  'berth.dev/open-ingress',
  'berth.dev/pod-security',
  'berth.dev/node-pools',
  'berth.dev/detour',
  'berth.dev/reaches-tenants',
  'downward.berth.dev/x',
  'ns.berth.dev/x',
  'x.y.berth.dev/z',
  'berth.dev/',
]
const prototypeKeys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

const labelKey = fc.oneof(
  fc.constantFrom('app', 'kubernetes.io/service-name', 'service.kubernetes.io/headless', 'team'),
  fc.constantFrom(...berthKeys),
  fc.constantFrom(...prototypeKeys),
  fc.constantFrom(
    'app.kubernetes.io/managed-by',
    'endpointslice.kubernetes.io/managed-by',
    'kubernetes.io/metadata.name',
    'pod-security.kubernetes.io/enforce',
    'sidecar.istio.io/inject',
    'topology.kubernetes.io/zone',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
)

const annotationKey = fc.oneof(
  fc.constantFrom('note', 'example.com/note', 'sub.example.com/note', 'kubernetes.io/description'),
  fc.constantFrom(...berthKeys),
  fc.constantFrom(...prototypeKeys),
  fc.constantFrom(
    'endpoints.kubernetes.io/last-change-trigger-time',
    'k8s.v1.cni.cncf.io/networks',
    'kubectl.kubernetes.io/last-applied-configuration',
    'nginx.ingress.kubernetes.io/enable-cors',
    'pv.kubernetes.io/bind-completed',
    'scheduler.alpha.kubernetes.io/node-selector',
    'service.kubernetes.io/topology-mode',
    'snapshot.storage.kubernetes.io/note',
    'volume.kubernetes.io/selected-node',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
)

const word = fc.constantFrom(forged, forged, 'true', '', 'x'.repeat(63), 'ünï©ode', 'berth')

export const hostileLabels = mapOf(labelKey, word)
export const hostileAnnotations = mapOf(annotationKey, fc.oneof(word, fc.constant(`{"${forged}":"${'x'.repeat(2000)}"}`)))

const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: forged, uid: forged, controller: true }

/** All that a tenant can have in metadata beside name, namespace and UID. */
export const hostileMeta = optional({
  labels: hostileLabels,
  annotations: hostileAnnotations,
  ownerReferences: listOf(fc.constant(owner)),
  finalizers: listOf(fc.constantFrom('kubernetes', 'example.com/forged', 'berth.dev/control-plane')),
  managedFields: fc.constant([{ manager: 'berth', operation: 'Apply', fieldsV1: { 'f:metadata': {} } }]),
  generateName: fc.constant('forged-'),
  selfLink: fc.constant('/forged'),
  deletionTimestamp: fc.constant('2026-01-01T00:00:00Z'),
  deletionGracePeriodSeconds: fc.constant(0),
})

export const hostileSelector = optional({
  matchLabels: mapOf(fc.constantFrom('app', 'app', 'team', 'constructor', 'berth.dev/tenant', 'namespace'), word, 2),
  matchExpressions: listOf(
    fc.record({
      key: fc.constantFrom('app', 'team', 'kubernetes.io/metadata.name', 'berth.dev/tenant'),
      operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
      values: fc.constant([forged]),
    }),
    1,
  ),
})
