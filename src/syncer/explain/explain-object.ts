import type { ResourceType } from '../../apis/resource-types.ts'
import type { KubeClient, ObjectRef } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { readSyncRecord } from '../lease.ts'
import type { SyncContext } from '../resource.ts'
import { resourcesOf } from '../resources/index.ts'
import { checkSuper, readSource } from '../verify/source.ts'
import { type ContextClients, readContext } from './context.ts'
import { joinedEvents, type ObjectEvent, readEvents } from './events.ts'
import { type FieldOwner, fieldOwners } from './field-owners.ts'
import type { Judgement, PendingChange } from './judge.ts'
import { kindOfWord, type ObjectWords } from './kind-words.ts'
import { type Found, lookDown, lookUp, placeOf, refOf, type Sides } from './look.ts'
import { readWhole } from './read-whole.ts'
import { ownerInTenant, tenantOfSuperObject } from './super-owner.ts'

export interface ExplainRequest {
  readonly subject:
    | {
        readonly side: 'tenant'
        readonly tenant: { readonly name: string; readonly namespace: string }
        readonly object: ObjectWords
      }
    | { readonly side: 'super'; readonly object: ObjectWords }
  readonly signal: AbortSignal
}

export interface ExplainClients {
  readonly management: KubeClient
  readonly superClient: KubeClient
  /** A client of the tenant from a kubeconfig's text; closed here. */
  readonly connect: (kubeconfig: string) => KubeClient
}

/** One side of an object. */
export interface ObjectSide {
  /** `pods/shop/web`, in the words of its side. */
  readonly place: string
  /** Undefined: it is not there. */
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
  readonly deletionTimestamp: string | undefined
}

export interface ObjectReport extends Judgement {
  readonly tenant: SyncContext['tenant']
  /** Undefined for what stands for no object of the tenant. */
  readonly tenantObject: ObjectSide | undefined
  /** Undefined for what has no counterpart. */
  readonly superObject: ObjectSide | undefined
  readonly pending: readonly PendingChange[]
  /** Objects of the tenant that make it go down, for what goes down by reference only. */
  readonly referredBy: readonly string[] | undefined
  readonly events: readonly ObjectEvent[]
  readonly owners: readonly FieldOwner[]
  /** Why the syncer has stopped for this tenant, if it has. */
  readonly frozen: string | undefined
}

const sideOf = (found: Found): ObjectSide => ({
  place: placeOf(found),
  uid: found.object?.metadata.uid,
  resourceVersion: found.object?.metadata.resourceVersion,
  deletionTimestamp: found.object?.metadata.deletionTimestamp,
})

const noSides = {
  tenantObject: undefined,
  superObject: undefined,
  pending: [],
  refusal: undefined,
  referredBy: undefined,
  events: [],
  owners: [],
}

const unknownKind = (word: string): AppError =>
  new AppError('CONFIG_INVALID', `no kind that is synced is called ${JSON.stringify(word)}: say it as pods, services, nodes`, {})

const eventsOf = async (
  { tenantFound, superFound }: Sides,
  { tenantClient, superClient, signal }: ContextClients,
): Promise<readonly ObjectEvent[]> => {
  const [ofTenant, ofSuper] = await Promise.all([
    tenantFound.object ? readEvents('tenant', tenantFound.object, { client: tenantClient, signal }) : [],
    superFound.object ? readEvents('super', superFound.object, { client: superClient, signal }) : [],
  ])
  return joinedEvents(ofTenant, ofSuper)
}

/** The object of the tenant that an object of super stands for; a verdict where it stands for none. */
const subjectBelow = async (
  type: ResourceType,
  words: ObjectWords,
  { superClient, tenant, signal }: { superClient: KubeClient; tenant: SyncContext['tenant']; signal: AbortSignal },
): Promise<ObjectRef | Pick<ObjectReport, 'verdict' | 'superObject' | 'owners'>> => {
  const ref = refOf(type, words)
  const object = await readWhole(superClient, type, ref, signal)
  if (!object) throw new AppError('KUBE_NOT_FOUND', `super has no ${placeOf({ type, ref })}`, {})
  const owner = ownerInTenant(object, tenant)
  return owner.kind === 'object'
    ? refOf(type, owner)
    : { verdict: owner.why, superObject: sideOf({ type, ref, object }), owners: fieldOwners('super', object) }
}

/** Says how one object of a tenant stands, or whose an object of super is and how that one stands. Changes nothing. */
export const explainObject = async (
  { subject, signal }: ExplainRequest,
  { management, superClient, connect }: ExplainClients,
): Promise<ObjectReport> => {
  const words = subject.object
  const tenantName =
    subject.side === 'tenant' ? subject.tenant : await tenantOfSuperObject(words, { management, superClient, signal })
  const request = { ...tenantName, signal }
  const source = await readSource(request, { management })
  await checkSuper(request, { management, superClient })
  const { tenant } = source
  const known = kindOfWord(words.kind, resourcesOf(source.ctx))
  if (!known) throw unknownKind(words.kind)
  const { frozen } = await readSyncRecord(management, source.controlPlaneNamespace)
  const nothing = { ...noSides, tenant, frozen }
  if (known.kind === 'none') return { ...nothing, verdict: `a ${known.name} is in the tenant only: ${known.why}` }

  const type = known.kind === 'down' ? known.resource.type : known.type
  let ref = refOf(type, words)
  if (subject.side === 'super' && known.kind === 'down') {
    const below = await subjectBelow(type, words, { superClient, tenant, signal })
    if ('verdict' in below) return { ...nothing, ...below }
    ref = below
  }
  const tenantClient = connect(source.kubeconfig)
  try {
    const clients = { tenantClient, superClient, signal }
    const deps = { ...clients, ctx: await readContext(source, clients), nodeSelector: source.nodeSelector }
    const sides = known.kind === 'down' ? await lookDown(known.resource, ref, deps) : await lookUp(type, ref, deps)
    const { tenantFound, superFound, judgement, referredBy } = sides
    if (!tenantFound.object && !superFound.object) {
      const message = `tenant ${tenant.name} has no ${placeOf(tenantFound)}, and super nothing that stands for it`
      throw new AppError('KUBE_NOT_FOUND', message, {})
    }
    return {
      ...judgement,
      tenant,
      frozen,
      tenantObject: sideOf(tenantFound),
      superObject: sideOf(superFound),
      referredBy,
      events: await eventsOf(sides, clients),
      owners: [
        ...(tenantFound.object ? fieldOwners('tenant', tenantFound.object) : []),
        ...(superFound.object ? fieldOwners('super', superFound.object) : []),
      ],
    }
  } finally {
    await tenantClient.close()
  }
}
