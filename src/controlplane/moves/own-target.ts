import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { StoreMove } from '../../apis/store-move.ts'
import { AppError } from '../../lib/errors.ts'
import { applyWanted, hashOf } from '../apply.ts'
import { networkPolicies } from '../components/isolation.ts'
import { metadataOf, type Plane, selectorOf } from '../components/plane.ts'
import { etcd, membersConfig } from '../data-stores/etcd.ts'
import { specOfRecord } from '../data-stores/in-force.ts'
import { foundingPlan } from '../data-stores/members.ts'
import type { Deps } from '../deps.ts'
import { isRolledOut, podsOf } from '../diagnose.ts'
import { componentNames, etcdMembersConfig, etcdPeersService, fieldManager, secretNames, taskNames } from '../names.ts'
import { objectId } from '../observe.ts'
import { consumerSecrets } from '../pki/keys.ts'
import { etcdMember } from '../pki/plan.ts'
import { taskState } from '../snapshots/task-state.ts'
import type { Round } from '../steps.ts'
import { imagesOf } from '../versions.ts'
import { seedJob } from './seed-job.ts'

/** Beyond the source's revision when it was checked: what it goes on meanwhile. Not more, as the way back leads to an etcd that is to be raised to it. */
const revisionMargin = 1_000
const claimName = `data-${etcdMember(0)}`
const statefulSetId = `StatefulSet/${componentNames.etcd}`

const jobName = ({ id }: Pick<StoreMove, 'id'>): string => `move-${id}`

/** The plane as far as etcd goes, once the tenant is there. The first member is founded alone, others join it when it has the data. */
const planeOf = ({ plane }: Round, { to }: Pick<StoreMove, 'to'>): Plane => ({
  ...plane,
  spec: { ...plane.spec, dataStore: specOfRecord(to, plane.spec.dataStore) },
  storage: { kind: 'claim', ...(to.storageClassName !== undefined && { className: to.storageClassName }) },
  store: { members: foundingPlan(1), isHeld: false },
})

const applyKeys = async (round: Round, { kube, signal, agentAuthorities, now }: Deps): Promise<void> => {
  const { plane, tenant, roots, observed } = round
  const { clusterDomain } = tenant.spec.network
  const inputs = { ...plane, clusterDomain, extraSANs: tenant.spec.apiServer.extraSANs }
  const all = await consumerSecrets({ inputs, roots, agent: agentAuthorities(), existing: observed.secrets, now: now() })
  const name = secretNames.etcd
  const wanted = all.get(name) ?? {}
  if (hashOf(observed.secrets.get(name)) === hashOf(wanted)) return
  const data = Object.fromEntries(Object.entries(wanted).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: metadataOf(plane, name), type: 'Opaque', data }
  await kube.apply(resourceTypes.secrets, secret, { fieldManager, force: true, signal })
}

/** True when an own store that is made for a move answers. */
export const isTargetMade = ({ observed }: Pick<Round, 'observed'>): boolean => isRolledOut(observed.objects.get(statefulSetId))

/** Takes the making of an own store one step further. Throws SPEC_INVALID when it cannot be made. */
export const makeTarget = async (round: Round, move: StoreMove, deps: Deps): Promise<void> => {
  const { kube, signal } = deps
  const { observed, now } = round
  const plane = planeOf(round, move)
  const place = { namespace: plane.namespace, name: jobName(move) }
  const apply = (object: KubeObject) => applyWanted(object, observed.objects.get(objectId(object)), deps)
  await applyKeys(round, deps)
  const fence = networkPolicies(plane, { kind: 'own' }).filter(({ metadata }) => metadata.name === componentNames.etcd)
  const desired = etcd.desired(plane)
  const workload = desired.find(({ kind }) => kind === 'StatefulSet')
  for (const object of [...fence, membersConfig(plane), ...desired.filter((each) => each !== workload)]) await apply(object)
  if (!workload || observed.objects.has(statefulSetId)) {
    await kube.delete(resourceTypes.jobs, place, { propagationPolicy: 'Background', signal })
    return
  }
  if (!observed.objects.has(`PersistentVolumeClaim/${claimName}`)) {
    const [template] = workload.spec.volumeClaimTemplates as KubeObject[]
    const metadata = { name: claimName, namespace: plane.namespace, labels: selectorOf(plane, componentNames.etcd) }
    await kube.create(resourceTypes.persistentVolumeClaims, { ...template, metadata } as KubeObject, { signal })
  }
  const job = await kube.get(resourceTypes.jobs, place, { signal })
  const task = taskState(job, podsOf(observed.pods, taskNames.move), now)
  switch (task.kind) {
    case 'absent': {
      if (job) return
      const etcdImage = imagesOf(plane.spec.version, plane.registry).etcd
      const revision = (move.revision ?? 0) + revisionMargin
      await kube.create(resourceTypes.jobs, seedJob({ ...plane, ...place, etcdImage, claim: claimName, revision }), { signal })
      return
    }
    case 'running':
      return
    case 'done':
      await apply(workload)
      return
    case 'failed':
      throw new AppError('SPEC_INVALID', `the volume of its etcd could not be made ready: ${task.why}`, {})
  }
}

const parts: readonly (readonly [ResourceType, string])[] = [
  [resourceTypes.statefulSets, componentNames.etcd],
  [resourceTypes.podDisruptionBudgets, componentNames.etcd],
  [resourceTypes.services, componentNames.etcd],
  [resourceTypes.services, etcdPeersService],
  [resourceTypes.configMaps, etcdMembersConfig],
  [resourceTypes.networkPolicies, taskNames.snapshot],
  [resourceTypes.networkPolicies, taskNames.restore],
  [resourceTypes.networkPolicies, taskNames.drill],
  [resourceTypes.networkPolicies, componentNames.etcd],
]

const leftOf = ({ observed }: Pick<Round, 'observed'>): readonly KubeObject[] => {
  const claims = [...observed.objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim')
  return [...parts.flatMap(([{ kind }, name]) => observed.objects.get(`${kind}/${name}`) ?? []), ...claims]
}

/** True when nothing of an own store is left. */
export const isOwnStoreGone = (round: Pick<Round, 'observed'>): boolean =>
  leftOf(round).length === 0 && podsOf(round.observed.pods, componentNames.etcd).length === 0

/** Takes an own store away that is not in force, with its data. */
export const removeOwnStore = async (round: Round, move: StoreMove, { kube, signal }: Deps): Promise<void> => {
  const { plane, observed } = round
  // Whatever led here: what a tenant's data are in is not removed.
  if (plane.spec.dataStore.kind === 'dedicated') throw new Error('the data store in force is not removed')
  const { namespace } = plane
  await kube.delete(resourceTypes.jobs, { namespace, name: jobName(move) }, { propagationPolicy: 'Background', signal })
  for (const { kind, metadata } of leftOf({ observed })) {
    const [type] = parts.find(([each]) => each.kind === kind) ?? [resourceTypes.persistentVolumeClaims]
    const { name = '', uid = '', deletionTimestamp } = metadata
    if (!deletionTimestamp) await kube.delete(type, { namespace, name }, { uid, signal })
  }
  if (observed.secrets.has(secretNames.etcd))
    await kube.delete(resourceTypes.secrets, { namespace, name: secretNames.etcd }, { signal })
}
