import { parse } from 'yaml'
import { z } from 'zod'
import { AppError } from '../../lib/errors.ts'

const levels = ['', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
const strings = z.record(z.string(), z.string())
const anything = z.record(z.string(), z.unknown())
const flag = (help: string) => z.union([z.string(), z.number(), z.boolean()]).optional().describe(help)
/** Every part has its defaults, so that a file says only what differs. */
const part = <S extends z.ZodRawShape>(shape: S) => {
  const whole = z.strictObject(shape)
  // All fields of all parts may be left out.
  return whole.prefault({} as z.input<typeof whole> & z.core.util.NoUndefined<z.input<typeof whole>>)
}

const resources = (cpu: string, memory: string, limit: string) =>
  z
    .strictObject({
      requests: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      limits: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    })
    .default({ requests: { cpu, memory }, limits: { memory: limit } })
    .describe('resources of its container')

const pods = ({ priorityClass = '', tolerations = [] as Readonly<Record<string, unknown>>[] } = {}) => ({
  priorityClassName: z.string().default(priorityClass).describe('PriorityClass of its pods'),
  nodeSelector: strings.default({}).describe('labels of the nodes it may run on'),
  tolerations: z.array(anything).default(tolerations).describe('taints of nodes that its pods bear'),
  affinity: anything.default({}).describe('affinity of its pods'),
  podAnnotations: strings.default({}).describe('annotations of its pods'),
  serviceAccount: part({ annotations: strings.default({}).describe('annotations of its ServiceAccount') }),
  extraArgs: z
    .array(z.string().regex(/^--[a-z]/, 'a flag with its value, as --name=value'))
    .default([])
    .describe('more flags, as they are'),
})

const replicasBy = (count: number) =>
  z.int().min(1).max(99).default(count).describe('how many run at once; one works, or each its share')
const replicas = replicasBy(1)

/** The same for the API, which takes webhooks, and for the worker, which sends them: both need the same words. */
const webhookFlags = {
  'webhook-allowed-cidrs': flag('ranges that webhooks may go to although they are not public'),
  'webhook-refused-cidrs': flag('public ranges that webhooks may not go to'),
  'webhook-allow-http': flag('true: endpoints of webhooks may be http'),
}

const schema = z.strictObject({
  side: z
    .enum(['both', 'management', 'super'])
    .default('both')
    .describe('which part of Berth: all of it, or one side of two clusters'),
  image: part({
    repository: z.string().min(1).default('ghcr.io/berth-dev/berth').describe("name of Berth's image, with its registry"),
    tag: z.string().min(1).default('dev').describe('tag of the image'),
    digest: z
      .union([z.literal(''), z.string().regex(/^sha256:[0-9a-f]{64}$/)])
      .default('')
      .describe('digest of the image, in the place of a tag'),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('when nodes fetch the image'),
    pullSecrets: z
      .array(z.strictObject({ name: z.string().min(1) }))
      .default([])
      .describe('Secrets in berth-system with keys of the registry'),
  }),
  logLevel: z.enum(levels).default('').describe('log level of all processes; empty: info'),
  crds: part({ install: z.boolean().default(true).describe('install and update the definitions of the kinds of berth.dev') }),
  superKubeconfig: part({
    managerSecret: z
      .string()
      .min(1)
      .default('berth-manager-super')
      .describe("Secret with the manager's way to super, key kubeconfig"),
    syncerSecret: z
      .string()
      .min(1)
      .default('berth-syncer-super')
      .describe("Secret with the syncer's way to super, key kubeconfig"),
  }).describe('used with side: management'),
  manager: part({
    replicas,
    resources: resources('50m', '128Mi', '512Mi'),
    ...pods(),
    flags: part({
      'image-registry': flag('takes the place of registry.k8s.io in the images of control planes'),
      'trust-settle-seconds': flag('in a rotation, time for pods to get the new authority before it issues'),
      'old-authority-silence-seconds': flag('in a rotation, how long nobody may have been seen with the old authority'),
      'token-renewal-seconds': flag('in a rotation, time for pods to get tokens of the new key'),
      'super-pod-cidrs': flag('with side: management, ranges of pods of super to which API servers of tenants may speak'),
    }),
  }),
  syncer: part({
    replicas,
    resources: resources('100m', '256Mi', '2Gi'),
    ...pods(),
    flags: part({
      'tenant-cache-mib': flag("most MiB of JSON that is kept of one tenant's objects; a tenant with more is frozen"),
      'tenant-writes-per-second': flag('most objects that are changed in super for one tenant in a second; what is more waits'),
      'super-ranges': flag('networks of super that it does not tell itself, comma-separated: pods of tenants do not reach them'),
    }),
  }),
  vnAgent: part({
    via: z.enum(['api', 'kubelet']).default('api').describe("how sessions go on: by super's API, or straight to the kubelet"),
    resources: resources('10m', '96Mi', '512Mi'),
    ...pods({ priorityClass: 'system-node-critical', tolerations: [{ operator: 'Exists' }] }),
    flags: part({
      'kubelet-port': flag('port of the kubelets'),
      'kubelet-ca-file': flag('authority of the serving certificates of kubelets'),
      'kubelet-insecure-tls': flag('true: take whatever certificate a kubelet shows'),
      'sessions-per-tenant': flag('sessions a tenant may have at a time on one node'),
    }),
  }),
  api: part({
    enabled: z.boolean().default(false).describe('the HTTP API for platforms, and the worker beside it; not with side: super'),
    replicas: replicasBy(2),
    resources: resources('50m', '128Mi', '512Mi'),
    ...pods(),
    flags: part({
      'requests-per-second': flag('requests of one organisation, or of one key of the platform, in a second'),
      'request-burst': flag('requests of it at once'),
      streams: flag('event streams of one organisation at once, in one process'),
      ...webhookFlags,
    }),
  }),
  worker: part({
    replicas: replicasBy(2),
    resources: resources('50m', '128Mi', '512Mi'),
    ...pods(),
    flags: part({
      ...webhookFlags,
      'usage-sample-seconds': flag('usage: how often what pods and claims take is counted'),
      'usage-api-seconds': flag("usage: how often tenants' API servers are asked"),
      'usage-write-seconds': flag('usage: how often it is written'),
      'usage-hourly-days': flag('usage: days for which single hours are kept'),
      'usage-months': flag('usage: months that are kept'),
    }),
  }).describe('used with api.enabled: sends webhooks, measures usage'),
  isolationVerify: part({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'isolation checks of tenants with spec.isolation.verify run by themselves; their account may act as any tenant in super. With side: both only',
      ),
    serviceAccount: part({ annotations: strings.default({}).describe('annotations of its ServiceAccount') }),
  }),
})

/** What an operator chooses of an installation: the values of the Helm chart and of `berth install -f`. */
export type InstallValues = z.output<typeof schema>
/** The same as it is written: everything may be left out. */
export type GivenValues = z.input<typeof schema>

/** JSON Schema of the values, for Helm and for editors. */
export const valuesSchema = (): object => z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })

/** The values of a YAML text, read as Helm reads it. Throws CONFIG_INVALID where it is none. */
export const parseValues = (text: string, source: string): unknown => {
  try {
    return parse(text, { version: '1.1' }) as unknown
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `${source} is not YAML`, { cause })
  }
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Values over values, as Helm lays them: maps into each other, null takes away, all else as a whole. */
export const mergeValues = (below: unknown, above: unknown): unknown => {
  if (above === undefined) return below
  if (!isMap(above)) return above
  const base = isMap(below) ? below : {}
  const keys = [...new Set([...Object.keys(base), ...Object.keys(above)])].filter((key) => above[key] !== null)
  return Object.fromEntries(keys.map((key) => [key, mergeValues(base[key], above[key])]))
}

/** Fills the defaults in. Throws CONFIG_INVALID with every fault at once; `source` says where the values came from. */
export const installValues = (given: unknown, source: string): InstallValues => {
  const parsed = schema.safeParse(mergeValues(schema.parse({}), given ?? {}))
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'values'}: ${message}`)
  throw new AppError('CONFIG_INVALID', `${source}: ${faults.join('; ')}`, {})
}

/** The image of a reference: `name`, `name:tag` or `name@sha256:...`. */
export const imageOf = (reference: string): { repository: string; tag?: string; digest?: string } => {
  const [name = '', digest] = reference.split('@', 2)
  const colon = name.lastIndexOf(':')
  const tagged = colon > name.lastIndexOf('/')
  return {
    repository: tagged ? name.slice(0, colon) : name,
    ...(tagged && { tag: name.slice(colon + 1) }),
    ...(digest !== undefined && { digest }),
  }
}
