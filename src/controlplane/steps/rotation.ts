import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { frozenAnnotation } from '../../tenancy/marks.ts'
import { hashOf } from '../apply.ts'
import type { Plane } from '../components/plane.ts'
import type { Deps } from '../deps.ts'
import { isMoving } from '../moves/move-plan.ts'
import { secretNames, syncerSilenceMs } from '../names.ts'
import type { Observed } from '../observe.ts'
import { type AuthorityMove, beginningMoves, followingMoves } from '../pki/authority-moves.ts'
import {
  authorityNames,
  isUnderWay,
  type SecretData,
  tokenKeyNames,
  withIssuingSince,
  withNext,
  withNextIssuing,
  withoutOld,
  withServingSince,
  withTrustedSince,
} from '../pki/generations.ts'
import { authorityCommonName, newAuthority, newTokenKeys, type Roots, readRoots, type Secrets } from '../pki/keys.ts'
import { authoritySecrets } from '../pki/plan.ts'
import { baseHashOf, rootsHashes } from '../pki/roots-hashes.ts'
import {
  type AuthorityFacts,
  nextForAuthorities,
  nextForTokenKeys,
  type RotationDecision,
  type TokenKeyFacts,
} from '../pki/rotation.ts'
import { isRolledOutWith } from '../rotation-roll.ts'
import { type RotationState, rotationState } from '../rotation-state.ts'
import { isRestoring } from '../snapshots/restore-plan.ts'
import { lookForUsers } from './authority-users.ts'
import { fingerprintsOf, namespacesWithout, podsNotServing, tokensSignedBy } from './rotation-facts.ts'

type Place = Pick<Plane, 'tenant' | 'namespace' | 'slice' | 'hasServed'>

interface Rotation {
  readonly tenant: TenantControlPlane
  readonly place: Place
  readonly observed: Observed
  readonly agentServingCert: string
  /** Authority of a data store that is not the tenant's own. */
  readonly storeCa: string | undefined
}

const decoded = (data: Readonly<Record<string, string>> = {}): SecretData =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))

/** Replaces the data of a Secret of roots, if it is still what was decided about: no key is ever written over unseen. */
const writeRoots = async (
  name: string,
  { from, to }: { readonly from: SecretData; readonly to: SecretData },
  { namespace }: Place,
  { kube, signal }: Deps,
): Promise<void> => {
  const live = await kube.get<KubeObject>(resourceTypes.secrets, { name, namespace }, { signal })
  if (!live || hashOf(decoded(live.data)) !== hashOf(from))
    throw new AppError('KUBE_CONFLICT', `Secret ${namespace}/${name} was changed meanwhile; it is looked at again`, { name })
  const gone = Object.keys(from).filter((key) => !(key in to))
  const data = {
    ...Object.fromEntries(gone.map((key) => [key, null])),
    ...Object.fromEntries(Object.entries(to).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  }
  const { resourceVersion } = live.metadata
  await kube.patch(resourceTypes.secrets, { name, namespace }, { metadata: { resourceVersion }, data }, { type: 'merge', signal })
}

/** The Secrets of the roots, as they are after each write. */
const openRoots = (initial: Secrets, { place, agentServingCert }: Rotation, deps: Deps) => {
  const secrets = new Map(initial)
  const change = async (name: string, next: (data: SecretData) => SecretData | Promise<SecretData>): Promise<void> => {
    const from = secrets.get(name) ?? {}
    const to = await next(from)
    if (hashOf(from) === hashOf(to)) return
    await writeRoots(name, { from, to }, place, deps)
    secrets.set(name, to)
  }
  const roots = (): Roots => readRoots(secrets)
  const move = async ({ authority, move: how }: AuthorityMove): Promise<void> => {
    const { generation } = roots().generations.authorities[authority]
    const baseHash = baseHashOf(roots(), agentServingCert)
    await change(authoritySecrets[authority], async (data) => {
      if (how === 'cut') return withoutOld(data, authorityNames)
      if (how === 'issue') return withIssuingSince(withNextIssuing(data, authorityNames), deps.now())
      const made = await newAuthority(authorityCommonName(authority, place.tenant.uid, generation + 1), deps.now())
      return withNext(data, made, authorityNames, baseHash)
    })
  }
  const follow = async (): Promise<void> => {
    for (const each of followingMoves(roots().generations.authorities)) await move(each)
  }
  return { roots, change, move, follow }
}

type OpenRoots = ReturnType<typeof openRoots>

const syncerAway = (lease: Observed['syncerLease'], now: Date): string | undefined => {
  if (lease?.metadata.annotations?.[frozenAnnotation]) return 'syncing is frozen'
  const isSilent = !(now.getTime() - Date.parse(lease?.spec?.renewTime ?? '') < syncerSilenceMs)
  return isSilent ? 'no syncer serves the tenant' : undefined
}

const inTenant = async <T>(roots: Roots, { place }: Rotation, deps: Deps, ask: (asked: Asked) => Promise<T>) => {
  try {
    const tenantKube = await deps.tenantClients.bootstrap(place, roots, deps.now())
    return await ask({ tenantKube, signal: deps.signal })
  } catch (error) {
    deps.log.warn({ error: explainError(error) }, 'a rotation waits, as the tenant does not answer')
    return undefined
  }
}
type Asked = Parameters<typeof namespacesWithout>[1]

/** What is to be known for the next decision about the authorities, and no more. */
const authorityFacts = async (roots: Roots, rolledOut: boolean, rotation: Rotation, deps: Deps): Promise<AuthorityFacts> => {
  const { observed, tenant, place } = rotation
  const { cluster, etcd } = roots.generations.authorities
  const { old } = tenant.spec.certificates.authorities
  const { next } = cluster
  if (next && rolledOut && !cluster.trustedSince && old !== 'CutNow') {
    const namespacesBehind = await inTenant(roots, rotation, deps, (asked) => namespacesWithout(next.cert, asked))
    return { ...(namespacesBehind && { namespacesBehind }) }
  }
  if (!cluster.old) return {}
  const authority = cluster.issuing.cert
  const known = await inTenant(roots, rotation, deps, (asked) => fingerprintsOf(authority, observed, asked))
  const since = cluster.issuingSince ?? deps.now()
  const users = known
    ? await lookForUsers({ place, observed, generation: cluster.generation, since, known }, deps)
    : { text: '', unknown: 'the tenant does not answer' }
  if (!cluster.servingSince || old === 'Trust' || !rolledOut) return { users }
  return { users, podsBehind: await podsNotServing(observed, { cluster: authority, etcd: etcd.issuing.cert }, deps) }
}

const tokenKeyFacts = async (roots: Roots, rolledOut: boolean, rotation: Rotation, deps: Deps): Promise<TokenKeyFacts> => {
  const { old } = roots.generations.serviceAccount
  if (!old || !rolledOut || rotation.tenant.spec.certificates.serviceAccountKeys.old !== 'Cut') return {}
  const oldTokens = await inTenant(roots, rotation, deps, (asked) => tokensSignedBy(old.cert, asked))
  return { ...(oldTokens && { oldTokens }) }
}

const moveAuthorities = async ({ action }: RotationDecision, open: OpenRoots, deps: Deps): Promise<void> => {
  switch (action) {
    case 'none':
    case 'note-signing':
      return
    case 'note-trusted':
      return open.change(secretNames.clusterAuthority, (data) => withTrustedSince(data, deps.now()))
    case 'serve':
      return open.change(secretNames.clusterAuthority, (data) => withServingSince(data, deps.now()))
    case 'begin':
      for (const each of beginningMoves(open.roots().generations.authorities)) await open.move(each)
      return
    case 'issue':
    case 'cut':
      await open.move({ authority: 'cluster', move: action })
      return open.follow()
  }
}

const moveTokenKeys = (
  { action }: RotationDecision,
  open: OpenRoots,
  { agentServingCert }: Rotation,
  deps: Deps,
): Promise<void> => {
  const baseHash = baseHashOf(open.roots(), agentServingCert)
  return open.change(secretNames.serviceAccountKeys, async (data) => {
    switch (action) {
      case 'none':
      case 'note-trusted':
      case 'serve':
        return data
      case 'begin':
        return withNext(data, await newTokenKeys(), tokenKeyNames, baseHash)
      case 'issue':
        return withNextIssuing(data, tokenKeyNames)
      case 'note-signing':
        return withIssuingSince(data, deps.now())
      case 'cut':
        return withoutOld(data, tokenKeyNames)
    }
  })
}

/**
 * One step of the rotations of a tenant's roots, if there is one to take: gathers what counts, decides, writes. The Secrets of the roots say how far a rotation is;
 * nothing else does.
 */
export const rotateRoots = async (
  secrets: Secrets,
  rotation: Rotation,
  deps: Deps,
): Promise<{ readonly roots: Roots; readonly state: RotationState | undefined }> => {
  const { tenant, place, observed, agentServingCert, storeCa } = rotation
  const open = openRoots(secrets, rotation, deps)
  await open.follow()
  const roots = open.roots()
  const rolledOut = isRolledOutWith(rootsHashes(roots, agentServingCert, storeCa), observed, {
    ownStore: tenant.spec.dataStore.kind === 'dedicated',
    now: deps.now(),
  })
  const common = {
    runs:
      place.hasServed &&
      tenant.spec.state === 'Running' &&
      !isRestoring(tenant.status?.restore) &&
      !isMoving(tenant.status?.move),
    rolledOut,
    syncerAway: syncerAway(observed.syncerLease, deps.now()),
    times: deps.rotationTimes,
    now: deps.now(),
  }
  const { authorities, serviceAccountKeys } = tenant.spec.certificates
  const { authorities: of, serviceAccount } = roots.generations
  const wasRotating = tenant.status?.conditions?.some(({ type, status }) => type === 'RotatingCA' && status === 'True') ?? false
  const forAuthorities = nextForAuthorities({
    ...common,
    wanted: authorities,
    keys: of.cluster,
    wasRotating: wasRotating && !isUnderWay(serviceAccount),
    // One that is at rest has nothing to say.
    facts: common.runs ? await authorityFacts(roots, rolledOut, rotation, deps) : {},
  })
  const forTokenKeys = nextForTokenKeys({
    ...common,
    wanted: serviceAccountKeys,
    keys: serviceAccount,
    wasRotating: wasRotating && !isUnderWay(of.cluster),
    facts: common.runs ? await tokenKeyFacts(roots, rolledOut, rotation, deps) : {},
  })
  await moveAuthorities(forAuthorities, open, deps)
  await moveTokenKeys(forTokenKeys, open, rotation, deps)
  return { roots: open.roots(), state: rotationState({ authorities: forAuthorities, 'service-account keys': forTokenKeys }) }
}
