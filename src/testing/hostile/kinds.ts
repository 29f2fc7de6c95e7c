import fc from 'fast-check'
import type { KubeObject } from '../../apis/kube-object.ts'
import { apiVersionOf } from '../../apis/resource-types.ts'
import { gatewayKinds } from '../../syncer/gateways/kinds.ts'
import { drop, pass, passing, type TypeTable, typeTable } from '../../syncer/pods/fields.ts'
import { podSpecFields } from '../../syncer/pods/spec-fields.ts'
import type { SyncedResource } from '../../syncer/resource.ts'
import { ingressBackendFields, ingressFields } from '../../syncer/resources/ingresses.ts'
import {
  networkPolicyFields,
  networkPolicyPeerFields,
  networkPolicyPortFields,
  networkPolicyRuleFields,
} from '../../syncer/resources/network-policies.ts'
import { claimFields } from '../../syncer/resources/persistent-volume-claims.ts'
import { podDisruptionBudgetFields } from '../../syncer/resources/pod-disruption-budgets.ts'
import { serviceFields } from '../../syncer/resources/services.ts'
import { frozen } from '../frozen.ts'
import { odd } from './draw.ts'
import { hostileGatewaySpec, hostileRouteSpec } from './gateways.ts'
import { planted, somePlant } from './planted.ts'
import { hostilePodFields } from './pods.ts'
import * as specs from './specs.ts'
import { anyName, hostileMeta, labelName, namespaceNames } from './words.ts'

/** How objects of one kind are drawn, and what of them may be in super. */
export interface HostileKind {
  /** What stands beside metadata. */
  readonly fields: fc.Arbitrary<Readonly<Record<string, unknown>>>
  /** Classes of these fields; undefined: of a kind of which Berth knows nothing, all go. */
  readonly table?: TypeTable
  /** Keys of a tenant's labels and annotations that may go down, and those that the translation makes. Default: none. */
  readonly labels?: RegExp
  readonly annotations?: RegExp
  /** Keys of Berth's own domain that it makes beside those of every object. */
  readonly marks?: RegExp
}

const backend = typeTable('IngressBackend', ingressBackendFields)
const ingressPath = typeTable('HTTPIngressPath', passing('path', 'pathType'), { backend: pass(backend) })
const ingressRule = typeTable('IngressRule', passing('host'), {
  http: pass(typeTable('HTTPIngressRuleValue', { paths: pass(ingressPath) })),
})
const policyPeer = typeTable('NetworkPolicyPeer', networkPolicyPeerFields)
const policyRule = typeTable('NetworkPolicyRule', networkPolicyRuleFields, {
  ports: pass(typeTable('NetworkPolicyPort', networkPolicyPortFields)),
  from: pass(policyPeer),
  to: pass(policyPeer),
})
/** Slices, ConfigMaps and Secrets have no table in the product, which picks their fields one by one. */
const endpoint = typeTable('Endpoint', passing('addresses', 'conditions', 'hostname', 'nodeName'))
const withSpec = (type: string, ...tables: Parameters<typeof typeTable>[1][]): TypeTable =>
  typeTable(type, { spec: pass(typeTable(`${type}Spec`, ...tables)), status: drop('') })

const nginxKeys = /^nginx\.ingress\.kubernetes\.io\/enable-cors$/
const spec = (drawn: fc.Arbitrary<unknown>) => odd(drawn).map((value) => ({ spec: value }))

/** By the keys of the kinds. Every kind that goes down has a row: a test says so. */
export const hostileKinds: Readonly<Record<string, HostileKind>> = {
  namespaces: {
    fields: specs.namespaceFields,
    table: typeTable('Namespace'),
    labels: /^pod-security\.kubernetes\.io\/enforce(-version)?$/,
    marks:
      /^(ns\.berth\.dev\/[a-z2-7]{24}|berth\.dev\/(pod-security|capabilities|runtime-class|node-pool|service-types|sysctls|run-as-non-root|privilege-escalation|user-namespaces|pull-always|tolerations))$/,
  },
  configmaps: { fields: specs.configMapFields, table: typeTable('ConfigMap', passing('data', 'binaryData', 'immutable')) },
  secrets: { fields: specs.secretFields, table: typeTable('Secret', passing('type', 'data', 'immutable')) },
  persistentvolumeclaims: { fields: specs.claimFields, table: withSpec('PersistentVolumeClaim', claimFields) },
  services: {
    fields: specs.serviceFields,
    table: withSpec('Service', serviceFields),
    labels: /^service\.kubernetes\.io\/(headless|service-proxy-name)$/,
    annotations: /^service\.kubernetes\.io\/topology-(mode|aware-hints)$/,
    marks: /^berth\.dev\/node-ports$/,
  },
  endpointslices: {
    fields: specs.endpointSliceFields,
    table: typeTable('EndpointSlice', passing('addressType', 'ports'), { endpoints: pass(endpoint) }),
    labels:
      /^(kubernetes\.io\/service-name|service\.kubernetes\.io\/(headless|service-proxy-name)|endpointslice\.kubernetes\.io\/managed-by)$/,
  },
  ingresses: {
    fields: specs.ingressFields,
    table: withSpec('Ingress', ingressFields, { defaultBackend: pass(backend), rules: pass(ingressRule) }),
    annotations: nginxKeys,
  },
  networkpolicies: {
    fields: specs.networkPolicyFields,
    table: withSpec('NetworkPolicy', networkPolicyFields, { ingress: pass(policyRule), egress: pass(policyRule) }),
  },
  poddisruptionbudgets: {
    fields: specs.podDisruptionBudgetFields,
    table: withSpec('PodDisruptionBudget', podDisruptionBudgetFields),
  },
  pods: {
    fields: hostilePodFields,
    table: typeTable('Pod', { spec: pass(podSpecFields), status: drop('') }),
    labels: /^(?!sidecar\.istio\.io|topology\.kubernetes\.io|pod-security\.kubernetes\.io)/,
    annotations: /^(cluster-autoscaler\.kubernetes\.io\/(safe-to-evict|daemonset-pod)|kubernetes\.io\/(in|e)gress-bandwidth)$/,
    marks: /^(berth\.dev\/(open-(in|e)gress|labels|annotations|service-account|node-pools)|downward\.berth\.dev\/[a-z2-7]{24})$/,
  },
  'volumesnapshots.snapshot.storage.k8s.io': {
    fields: spec(specs.snapshotSpec),
    labels: /^/,
    annotations: /^snapshot\.storage\.kubernetes\.io\//,
  },
  'widgets.example.com': {
    fields: fc.dictionary(fc.constantFrom('spec', 'data', 'status', 'namespace', '__proto__'), fc.jsonValue()),
    labels: /^/,
    annotations: /^(sub\.)?example\.com\//,
  },
  'gateways.gateway.networking.k8s.io': { fields: spec(hostileGatewaySpec) },
  'httproutes.gateway.networking.k8s.io': { fields: spec(hostileRouteSpec) },
  'grpcroutes.gateway.networking.k8s.io': { fields: spec(hostileRouteSpec) },
}

/** Kinds that are declared to go down: all of which Berth knows the meaning, and one of which it does not. */
export const declaredKinds = [
  { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget' },
  { group: 'snapshot.storage.k8s.io', version: 'v1', plural: 'volumesnapshots', kind: 'VolumeSnapshot' },
  ...gatewayKinds,
]

const labelNamed: ReadonlySet<string> = new Set(['Service', 'Namespace'])

/** Any object of a kind as a tenant's API server may hold it, and whether it has in it what may not go down. */
export const hostileObject = (
  { type }: Pick<SyncedResource, 'type'>,
  { fields, table }: HostileKind,
): fc.Arbitrary<{ readonly object: KubeObject; readonly isPlanted: boolean }> =>
  fc
    .record({
      name: labelNamed.has(type.kind) ? labelName : anyName,
      namespace: fc.oneof(
        { arbitrary: fc.constant('shop'), weight: 2 },
        { arbitrary: fc.constantFrom(...namespaceNames), weight: 1 },
      ),
      meta: hostileMeta,
      fields,
      plant: table ? somePlant : fc.constant(undefined),
    })
    .map(({ name, namespace, meta, fields: drawn, plant }) => ({
      isPlanted: plant !== undefined,
      object: frozen({
        ...(table && plant ? planted(drawn, table, plant) : drawn),
        apiVersion: apiVersionOf(type),
        kind: type.kind,
        metadata: {
          ...meta,
          ...(type.namespaced ? { name, namespace } : { name: namespace }),
          uid: 'tenant-object-uid',
          resourceVersion: '1',
          generation: 1,
        },
      } as KubeObject),
    }))
