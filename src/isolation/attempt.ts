import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import type { Bench, Verdict } from './check.ts'
import { unknown } from './check.ts'
import { type Ending, judgeTrial } from './judge-trial.ts'
import { type Answer, answered } from './refusal.ts'
import { againInSuper, renamed } from './specimens.ts'
import { within } from './wait.ts'

/** Something to try: a compliant object, and what makes it one that must not get through. */
export interface Attempt {
  readonly type: ResourceType
  /** For names: lower-case letters and dashes. */
  readonly name: string
  /** As in "is refused". */
  readonly what: string
  readonly compliant: KubeObject
  /** Works on the tenant's object and on super's alike. */
  readonly spoil: (object: KubeObject) => KubeObject
  readonly isIn: (superObject: KubeObject) => boolean
}

/** Notes that Berth and Kubernetes leave on objects that do go down. */
const harmless: ReadonlySet<string> = new Set([
  'FailedScheduling',
  'CapabilitiesNotAllowed',
  'PriorityNotInSuper',
  'NodePortChanged',
  'FailedMount',
  'BackOff',
  'Failed',
])

/** Words by which super's API server refuses for good, in an Event of the syncer's. */
const superRefusal = /violates PodSecurity|ValidatingAdmissionPolicy|denied request|is forbidden|is invalid/

interface Word {
  readonly message: string
  readonly bySuper: boolean
}

/** What the tenant was told of an object that does not go down. */
export const wordOf = (events: readonly KubeObject[]): Word | undefined => {
  for (const { type, reason, message } of events) {
    if (type !== 'Warning' || typeof reason !== 'string' || harmless.has(reason)) continue
    if (reason !== 'SyncFailed') return { message: `${reason}: ${message}`, bySuper: false }
    if (superRefusal.test(String(message))) return { message: String(message), bySuper: true }
  }
  return undefined
}

const endingOf = async (live: KubeObject, { type, isIn }: Pick<Attempt, 'type' | 'isIn'>, bench: Bench): Promise<Ending> => {
  const { admin, superSide, tenant, signal } = bench
  const { name = '', namespace = '', uid } = live.metadata
  const look = async (): Promise<Ending | undefined> => {
    if (superSide) {
      const ref = { name, namespace: superNamespace(tenant, namespace) }
      const superObject = await superSide.client.get(type, ref, { signal })
      if (superObject) return isIn(superObject) ? { kind: 'reached', where: `${ref.namespace}/${name}` } : { kind: 'cleaned' }
    } else {
      const seen = await admin.get(type, { name, namespace }, { signal })
      if (seen?.spec?.nodeName) return { kind: 'reached', where: `it runs on node ${seen.spec.nodeName}` }
    }
    const { items } = await admin.list(resourceTypes.events, {
      namespace,
      fieldSelector: `involvedObject.name=${name},involvedObject.uid=${uid}`,
      signal,
    })
    const word = wordOf(items)
    return word && { kind: 'kept-up', ...word }
  }
  return (await within(look, bench)) ?? { kind: 'silent' }
}

/** The same attempt at super's own API server, with the tenant's identity there: the compliant object first, and only when that is taken the other. */
const straightAtSuper = async (superObject: KubeObject | undefined, attempt: Attempt, bench: Bench): Promise<Answer> => {
  const { superSide, tenant, signal } = bench
  if (!superSide || !superObject) return { kind: 'unknown', message: 'where super is was not said (--super-kubeconfig)' }
  const client = superSide.client.as(tenantIdentity(tenant.uid))
  const twin = againInSuper(superObject, `${attempt.name}-direct`)
  const create = (object: KubeObject) => answered(() => client.create(attempt.type, object, { dryRun: true, signal }), signal)
  const ground = await create(twin)
  if (ground.kind !== 'taken')
    return { kind: 'unknown', message: `the compliant twin was not taken there either: ${ground.message}` }
  return create(attempt.spoil(twin))
}

/**
 * Tries it in every layer: the compliant twin by dry run and once for real, then the object for real, watched until super has it or the tenant is told why not,
 * then the same straight at super.
 */
export const tryAll = async (attempt: Attempt, bench: Bench): Promise<Verdict> => {
  const { user, admin, signal } = bench
  const { type, what } = attempt
  const compliant = renamed(attempt.compliant, `${attempt.name}-twin`)
  const twin = await within(async () => {
    const answer = await answered(() => user.create(type, compliant, { dryRun: true, signal }), signal)
    return answer.kind === 'taken' ? answer : undefined
  }, bench)
  if (!twin) {
    const again = await answered(() => user.create(type, compliant, { dryRun: true, signal }), signal)
    const why = again.kind === 'taken' ? 'it was taken too late' : again.message
    return unknown(`the compliant twin is not taken, so a refusal would say nothing: ${why}`)
  }
  const { superObject } = await bench.control(type, attempt.compliant)
  const hostile = attempt.spoil(renamed(attempt.compliant, attempt.name))
  let live: KubeObject | undefined
  const answer = await answered(async () => {
    live = await user.create(type, hostile, { signal })
  }, signal)
  const ending = live ? await endingOf(live, attempt, bench) : refusedAs(answer)
  if (live) await admin.delete(type, { name: attempt.name, namespace: bench.namespace }, { gracePeriodSeconds: 0, signal })
  return judgeTrial(what, { ending, inSuper: await straightAtSuper(superObject, attempt, bench) })
}

const refusedAs = (answer: Answer): Ending =>
  answer.kind === 'taken' ? { kind: 'silent' } : { kind: answer.kind, message: answer.message }
