import { z } from 'zod'
import type { KubeObject } from '../../apis/kube-object.ts'
import { AppError } from '../../lib/errors.ts'
import { managedByBerth, managedByLabel, webhookLabel } from '../../tenancy/marks.ts'

const secret = z.strictObject({
  value: z.string().min(16).max(256),
  /** Signs from then on. */
  from: z.iso.datetime(),
  /** Signs until then: the old one of a rotation. */
  until: z.iso.datetime().optional(),
})
export type EndpointSecret = z.output<typeof secret>

const endpoint = z.strictObject({
  url: z.string().min(1).max(2048),
  /** Types of events; `*` is all, `tenant.*` all that begin so. */
  events: z
    .array(
      z
        .string()
        .max(64)
        .regex(/^(\*|[a-z]+(\.[a-z_-]+)*(\.\*)?)$/),
    )
    .min(1)
    .max(50),
  secrets: z.array(secret).min(1).max(5),
  state: z.enum(['enabled', 'disabled']),
  /** Why it is disabled. */
  reason: z.string().max(256).optional(),
  /** For people. */
  description: z.string().max(200).optional(),
})
/** Where an organisation wants its events. */
export type Endpoint = z.output<typeof endpoint>

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const text = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : '', 'base64').toString()
const json = (value: unknown): unknown => {
  try {
    return JSON.parse(text(value))
  } catch {
    return undefined
  }
}

/** The data of the Secret that is an endpoint. */
const dataOf = ({ url, events, secrets, state, reason, description }: Endpoint): Readonly<Record<string, string>> => ({
  url: base64(url),
  events: base64(JSON.stringify(events)),
  secrets: base64(JSON.stringify(secrets)),
  state: base64(state),
  ...(reason !== undefined && { reason: base64(reason) }),
  ...(description !== undefined && { description: base64(description) }),
})

export interface EndpointRef {
  readonly namespace: string
  readonly name: string
}

/** The Secret of an endpoint. Throws SPEC_INVALID, naming wrong fields and no values. */
export const endpointObject = ({ namespace, name }: EndpointRef, wanted: Endpoint): KubeObject => {
  const parsed = endpoint.safeParse(wanted)
  if (!parsed.success) throw invalid({ namespace, name }, parsed.error)
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name, namespace, labels: { [webhookLabel]: 'true', [managedByLabel]: managedByBerth } },
    data: dataOf(parsed.data),
  }
}

/** An endpoint as it is stored; undefined for a Secret that is none. Throws SPEC_INVALID for one that is broken. */
export const readEndpoint = (object: KubeObject): Endpoint | undefined => {
  const { name = '', namespace = '', labels } = object.metadata
  if (labels?.[webhookLabel] !== 'true') return undefined
  const data: Record<string, unknown> = object['data'] ?? {}
  const parsed = endpoint.safeParse({
    url: text(data['url']),
    events: json(data['events']),
    secrets: json(data['secrets']),
    state: text(data['state']),
    ...(data['reason'] !== undefined && { reason: text(data['reason']) }),
    ...(data['description'] !== undefined && { description: text(data['description']) }),
  })
  if (!parsed.success) throw invalid({ namespace, name }, parsed.error)
  return parsed.data
}

const invalid = ({ namespace, name }: EndpointRef, error: z.ZodError): AppError => {
  const faults = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return new AppError('SPEC_INVALID', `webhook ${namespace}/${name}: ${faults.join('; ')}`, { namespace, name })
}

/** True when an endpoint wants events of a type. */
export const wantsEvent = ({ state, events }: Pick<Endpoint, 'state' | 'events'>, type: string): boolean =>
  state === 'enabled' &&
  events.some((each) => each === '*' || each === type || (each.endsWith('.*') && type.startsWith(each.slice(0, -1))))

const mostSigning = 2

/** The secrets that sign at a moment, newest first: one, or two while it is being changed. */
export const signingSecrets = ({ secrets }: Pick<Endpoint, 'secrets'>, now: Date): readonly string[] =>
  secrets
    .filter(({ from, until }) => Date.parse(from) <= now.getTime() && (until === undefined || now.getTime() < Date.parse(until)))
    .toSorted((a, b) => Date.parse(b.from) - Date.parse(a.from))
    .slice(0, mostSigning)
    .map(({ value }) => value)

/** The change of an endpoint's data, for a merge patch. Throws SPEC_INVALID. */
export const endpointPatch = (ref: EndpointRef, wanted: Endpoint) => ({
  data: { reason: null, description: null, ...(endpointObject(ref, wanted)['data'] as Readonly<Record<string, string>>) },
})

/**
 * The secrets after a new one has come: it signs from now on, and the newest before it for so long beside it, in ms. Older ones end.
 */
export const rotatedSecrets = (
  before: readonly EndpointSecret[],
  { value, now, overlapMs }: { readonly value: string; readonly now: Date; readonly overlapMs: number },
): readonly EndpointSecret[] => {
  const end = now.getTime() + overlapMs
  const last = before
    .filter(({ until }) => until === undefined || Date.parse(until) > now.getTime())
    .toSorted((a, b) => Date.parse(b.from) - Date.parse(a.from))
    .slice(0, overlapMs > 0 ? 1 : 0)
    .map((each) => ({
      ...each,
      until: new Date(Math.min(end, each.until === undefined ? end : Date.parse(each.until))).toISOString(),
    }))
  return [...last, { value, from: now.toISOString() }]
}

/** The change that takes an endpoint out of use, for a merge patch. */
export const disablingPatch = (reason: string) => ({ data: { state: base64('disabled'), reason: base64(reason.slice(0, 256)) } })
