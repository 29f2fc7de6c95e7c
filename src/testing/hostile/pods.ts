import fc from 'fast-check'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type FieldTable, ruleOf, type TypeTable } from '../../syncer/pods/fields.ts'
import { podSpecFields } from '../../syncer/pods/spec-fields.ts'
import { frozen } from '../frozen.ts'
import { aTenantPod } from '../sync-builders.ts'
import { planted, somePlant } from './planted.ts'
import { offeredClass, reservedConfigNames } from './words.ts'

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
  fieldPath: [
    'metadata.name',
    'metadata.namespace',
    'metadata.labels',
    'metadata.annotations',
    "metadata.labels['berth.dev/tenant']",
    "metadata.annotations['berth.dev/uid']",
    "metadata.labels['constructor']",
    'spec.serviceAccountName',
  ],
  name: ['main', 'data', 'kernel.msgmax', 'net.ipv4.tcp_syncookies', ...reservedConfigNames],
  namespaces: [['shop'], ['kube-system', 'infra']],
  namespace: ['kube-system'],
  path: ['/', '../..'],
  procMount: ['Default', 'Default', 'Unmasked'],
  priorityClassName: [offeredClass, 'system-node-critical'],
  pullPolicy: ['Always', 'Never'],
  role: ['', 'system_r'],
  runAsUser: [0, 1000, 1001],
  runtimeClassName: [offeredClass],
  schedulerName: ['default-scheduler'],
  secretName: ['a', ...reservedConfigNames],
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

/** Fields of a type that may go down. Those that are refused are planted afterwards, into few pods: nothing else of such a pod is looked at. */
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

/** A pod's spec of any fields, few of which an API server would not take. */
const podSpec = fc
  .record({
    any: objectOf(podSpecFields, 4),
    securityContext: fc.option(objectOf(tableOf(podSpecFields, 'securityContext'), 2), { nil: undefined }),
    containers,
    initContainers: fc.option(containers, { nil: undefined }),
    ephemeralContainers: fc.option(containers, { nil: undefined }),
    volumes: fc.option(volumes, { nil: undefined }),
    isWindows: fc.boolean(),
  })
  .map(({ any, isWindows, ...spec }): Record<string, unknown> => {
    const { os: _os, subdomain: _subdomain, setHostnameAsFQDN: _fqdn, ...rest } = any
    return JSON.parse(JSON.stringify({ ...rest, ...spec, ...(isWindows && { os: { name: 'windows' } }) })) as Record<
      string,
      unknown
    >
  })

export const hostilePodFields = fc.record({ spec: podSpec })

/** A pod `web` with labels and annotations that something in super goes by, now and then with a field that may not go down. */
export const hostilePod = fc
  .record({
    spec: podSpec,
    plant: somePlant,
    labels: fc.dictionary(labelKey, fc.constantFrom('a', 'true'), { maxKeys: 3 }),
    annotations: fc.dictionary(annotationKey, fc.constantFrom('unconfined', '1T', '5M'), { maxKeys: 3 }),
  })
  .map(
    ({ spec, plant, labels, annotations }): KubeObject =>
      frozen(aTenantPod(plant ? planted(spec, podSpecFields, plant) : spec, { metadata: { labels, annotations } })),
  )
