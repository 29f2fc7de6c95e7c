import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { podSecurityFaults } from '../../testing/pod-security.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { pods } from '../resources/pods.ts'
import { wantedObject } from '../super-object.ts'
import { type FieldTable, refusedField, ruleOf, type TypeTable } from './fields.ts'
import type { Pod } from './pod.ts'
import { podSpecFields } from './spec-fields.ts'
import { podSuperWrites } from './super-writes.ts'

type Isolation = NonNullable<NonNullable<Parameters<typeof aSyncContext>[0]>['isolation']>

/** Fields of the API that hold lists. Everything else with a table is one object. */
const lists: ReadonlySet<string> = new Set(
  `containers initContainers ephemeralContainers volumes env envFrom ports volumeMounts volumeDevices sources items sysctls tolerations hostAliases
  imagePullSecrets readinessGates schedulingGates topologySpreadConstraints resizePolicy restartPolicyRules httpHeaders options matchExpressions matchFields
  nodeSelectorTerms preferredDuringSchedulingIgnoredDuringExecution requiredDuringSchedulingIgnoredDuringExecution`.split(/\s+/),
)
const stringLists: ReadonlySet<string> = new Set(
  `add drop args command nameservers searches hostnames values namespaces matchLabelKeys mismatchLabelKeys targetWWNs wwids portals monitors`.split(
    /\s+/,
  ),
)
const maps: ReadonlySet<string> = new Set(
  'nodeSelector matchLabels limits requests volumeAttributes options userAnnotations'.split(' '),
)

/** What a clever tenant would write there, beside what anybody does. */
const values: Readonly<Record<string, readonly unknown[]>> = {
  add: [[], [], ['NET_BIND_SERVICE'], ['NET_BIND_SERVICE'], ['CHOWN'], ['SYS_ADMIN'], ['CAP_SYS_ADMIN'], ['ALL'], ['net_admin']],
  drop: [[], ['ALL'], ['all'], ['KILL']],
  host: ['', '', '169.254.169.254', '127.0.0.1'],
  hostPort: [0, 0, 22],
  hostname: ['web'],
  imagePullPolicy: ['Always', 'IfNotPresent', 'IfNotPresent', 'Never'],
  name: ['main', 'data', 'kernel.msgmax', 'net.ipv4.tcp_syncookies'],
  namespaces: [['shop'], ['kube-system', 'other']],
  namespace: ['kube-system'],
  path: ['/', '../..'],
  procMount: ['Default', 'Default', 'Unmasked'],
  pullPolicy: ['Always', 'Never'],
  role: ['', 'system_r'],
  runAsUser: [0, 1000, 1001],
  runtimeClassName: ['gvisor'],
  schedulerName: ['default-scheduler'],
  type: ['RuntimeDefault', 'RuntimeDefault', 'Localhost', 'Localhost', 'Unconfined', 'spc_t', 'container_t'],
  user: ['', 'system_u'],
}
const flags =
  /^(host(Network|PID|IPC|Users|Process)|privileged|allowPrivilegeEscalation|runAsNonRoot|readOnly\w*|optional|stdin\w*|tty|share\w*|automount\w*|enable\w*)$/

const numbers =
  /(Seconds|Threshold|Group|Mode|Port|User|Skew|Domains)$|^(port|mode|lun|partition|weight|priority|value|tolerationSeconds|minDomains|maxSkew)$/

const leaf = (field: string): fc.Arbitrary<unknown> => {
  const known = Object.hasOwn(values, field) ? values[field] : undefined
  if (known) return fc.constantFrom(...known)
  if (flags.test(field)) return fc.constantFrom(false, false, false, true)
  if (numbers.test(field)) return fc.constantFrom(0, 1)
  if (stringLists.has(field)) return fc.constantFrom([], ['a'])
  if (maps.has(field)) return fc.constantFrom({}, { a: 'b', 'berth.dev/tenant': 'other' })
  return fc.constantFrom('a', '')
}

/** Names one of a type's fields: seldom one that is refused in any case, since nothing else of such a pod is looked at. */
const fieldsOf = (table: FieldTable): readonly string[] =>
  Object.keys(table).filter((field) => ruleOf(table, field)?.fate !== 'refuse')

/** Fields without which an API server takes none of a type. */
const required: Readonly<Record<string, readonly string[]>> = {
  WeightedPodAffinityTerm: ['podAffinityTerm'],
  PreferredSchedulingTerm: ['preference'],
  NodeSelector: ['nodeSelectorTerms'],
  AzureFileVolumeSource: ['secretName'],
  SeccompProfile: ['type'],
  AppArmorProfile: ['type'],
}

/** Any object of a type, with a few of its fields. */
const objectOf = (table: TypeTable, depth: number): fc.Arbitrary<Record<string, unknown>> => {
  const names = fieldsOf(table.fields).filter((field) => depth > 0 || ruleOf(table.fields, field)?.of === undefined)
  if (names.length === 0) return fc.constant({})
  return fc
    .uniqueArray(fc.constantFrom(...names), { maxLength: table.type === 'Volume' ? 1 : 5 })
    .chain((chosen) =>
      fc.record(
        Object.fromEntries(
          [...chosen, ...(required[table.type] ?? [])].map((field) => [field, valueOf(table, field, Math.max(depth - 1, 0))]),
        ),
      ),
    )
}

const valueOf = (table: TypeTable, field: string, depth: number): fc.Arbitrary<unknown> => {
  const of = ruleOf(table.fields, field)?.of
  if (!of) return leaf(field)
  return lists.has(field) && of.type !== 'NodeSelector' ? fc.array(objectOf(of, depth), { maxLength: 2 }) : objectOf(of, depth)
}

/** Whatever stands for security is drawn more often than chance would. */
const tableOf = (table: TypeTable, field: string): TypeTable => {
  const of = ruleOf(table.fields, field)?.of
  if (!of) throw new Error(`${table.type}.${field} has no table`)
  return of
}
const containerTable = tableOf(podSpecFields, 'containers')
const container = (name: string) =>
  fc
    .record({
      any: objectOf(containerTable, 4),
      securityContext: fc.option(objectOf(tableOf(containerTable, 'securityContext'), 2), { nil: undefined }),
    })
    .map(({ any, securityContext }) => ({ ...any, name, image: 'i:1', ...(securityContext && { securityContext }) }))
const containers = fc
  .tuple(fc.integer({ min: 1, max: 2 }), container('a'), container('b'))
  .map(([count, ...all]) => all.slice(0, count))
const volumes = fc
  .array(objectOf(tableOf(podSpecFields, 'volumes'), 3), { maxLength: 2 })
  .map((all) => all.map((volume, index) => ({ ...volume, name: `v${index}` })))

const annotationKey = fc.constantFrom(
  'note',
  'k8s.v1.cni.cncf.io/networks',
  'kubernetes.io/egress-bandwidth',
  'container.apparmor.security.beta.kubernetes.io/a',
  'berth.dev/tenant',
  '__proto__',
)
const labelKey = fc.constantFrom('app', 'sidecar.istio.io/inject', 'berth.dev/tenant', 'aadpodidbinding', 'constructor')

const hostilePod = fc
  .record({
    any: objectOf(podSpecFields, 4),
    securityContext: fc.option(objectOf(tableOf(podSpecFields, 'securityContext'), 2), { nil: undefined }),
    containers,
    initContainers: fc.option(containers, { nil: undefined }),
    ephemeralContainers: fc.option(containers, { nil: undefined }),
    volumes: fc.option(volumes, { nil: undefined }),
    isWindows: fc.boolean(),
    labels: fc.dictionary(labelKey, fc.constantFrom('a', 'true'), { maxKeys: 3 }),
    annotations: fc.dictionary(annotationKey, fc.constantFrom('unconfined', '1T', '5M'), { maxKeys: 3 }),
  })
  .map(({ any, labels, annotations, isWindows, ...spec }): KubeObject => {
    const { os: _os, subdomain: _subdomain, setHostnameAsFQDN: _fqdn, ...rest } = any
    const wanted = { ...rest, ...spec, ...(isWindows && { os: { name: 'windows' } }) }
    return JSON.parse(JSON.stringify(aTenantPod(wanted, { metadata: { labels, annotations } }))) as KubeObject
  })
  .map(frozen)

/** The other profiles have the settings of one of these, and a runtime class or nodes beside them. */
const tenants: Readonly<Record<string, Isolation>> = {
  privileged: { profile: 'privileged' },
  baseline: { profile: 'baseline' },
  restricted: { profile: 'restricted' },
  'restricted in user namespaces': { profile: 'restricted', pods: { userNamespaces: true, runAsNonRoot: false } },
}

interface Outcome {
  readonly refused: number
  readonly down: number
}

describe.for(Object.entries(tenants))('of whatever a tenant writes, at %s', ([, isolation]) => {
  const network = { maxBandwidth: { egress: '100M' } }
  const ctx = aSyncContext({ isolation: { ...isolation, network }, policy: { inlineCSIDrivers: ['a'] } })
  const level = ctx.isolation.podSecurity
  const namespace = superNamespace(ctx.tenant, 'shop')

  test("nothing goes down that the level forbids, that nobody knows, or that is not the tenant's own", () => {
    const outcome: Outcome = fc
      .sample(hostilePod, { numRuns: 600, seed: 7 })
      .map((tenantPod): Outcome => {
        const wanted = wantedObject(pods, tenantPod, ctx)
        if (wanted.kind !== 'object') return { refused: 1, down: 0 }
        const superPod = wanted.object as Pod
        const [write] = podSuperWrites({ ...superPod, status: {} }, tenantPod as Pod, ctx).filter(
          ({ subresource }) => subresource === 'ephemeralcontainers',
        )
        const debugged = { ...superPod, spec: { ...superPod.spec, ...(write?.patch['spec'] as object | undefined) } }
        expect(podSecurityFaults(debugged, level), JSON.stringify(debugged)).toEqual([])
        expect(refusedField(debugged.spec, podSpecFields.fields)).toBeUndefined()
        expect([superPod.metadata.namespace, superPod.metadata.labels?.['berth.dev/tenant']]).toEqual([namespace, ctx.tenant.uid])
        const { annotations = {}, labels = {} } = superPod.metadata
        const own = (map: Readonly<Record<string, string>>) => Object.keys(map).filter((key) => !/(^|\.)berth\.dev\//.test(key))
        expect(own(labels).filter((key) => !['app', 'constructor'].includes(key))).toEqual([])
        expect(own(annotations)).toEqual(['kubernetes.io/egress-bandwidth'])
        expect(['100M', '5M']).toContain(annotations['kubernetes.io/egress-bandwidth'])
        return { refused: 0, down: 1 }
      })
      .reduce((sum, each) => ({ refused: sum.refused + each.refused, down: sum.down + each.down }))
    // A test that refuses everything, or nothing, would prove nothing.
    expect(outcome.down).toBeGreaterThan(25)
    expect(outcome.refused).toBeGreaterThan(level === 'privileged' ? 0 : 50)
  })
})
