import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { hasCode } from '../../lib/errors.ts'
import { hasWoken } from '../../tenancy/hibernation.ts'
import { wantedHashAnnotation } from '../../tenancy/marks.ts'
import { allOf, applyWanted } from '../apply.ts'
import { flagsRefusal } from '../components/extra-args.ts'
import { kubeApiServer } from '../components/kube-apiserver.ts'
import { kubeControllerManager } from '../components/kube-controller-manager.ts'
import type { Component, Plane } from '../components/plane.ts'
import { dataStores } from '../data-stores/index.ts'
import type { Deps } from '../deps.ts'
import { hasEnded, podsOf } from '../diagnose.ts'
import { componentNames } from '../names.ts'
import { hibernationOf, objectId } from '../observe.ts'
import type { Round, Step } from '../steps.ts'
import { dataStore } from './data-store.ts'
import { controllerManagerPlane } from './workloads.ts'

interface Part {
  readonly component: Component
  readonly plane: Plane
}

/** Only the number changes: the same pods come back, of the same revision. */
export const atZero = (object: KubeObject): KubeObject =>
  object.kind === 'Deployment' || object.kind === 'StatefulSet' ? { ...object, spec: { ...object.spec, replicas: 0 } } : object

/** What a component is to be; undefined while that cannot be said, or may not be so: it stays as it is then, at zero. */
const wantedOf = (component: Component, plane: Plane): readonly KubeObject[] | undefined => {
  const refusals: Record<string, (spec: Plane['spec']) => string | undefined> = {
    [componentNames.kubeApiServer]: flagsRefusal.apiServer,
    [componentNames.kubeControllerManager]: flagsRefusal.controllerManager,
  }
  if (refusals[component.name]?.(plane.spec) !== undefined) return undefined
  try {
    return component.desired(plane)
  } catch (error) {
    if (!hasCode(error, 'SPEC_INVALID')) throw error
    return undefined
  }
}

/** Its pods come back of the template that it has, unless another one is wanted by then: what was applied last is forgotten. */
const scaleToZero = async (workload: KubeObject, { kube, signal }: Deps): Promise<void> => {
  if (workload.spec?.replicas === 0) return
  const { name = '', namespace = '' } = workload.metadata
  const type = workload.kind === 'Deployment' ? resourceTypes.deployments : resourceTypes.statefulSets
  const body = { metadata: { annotations: { [wantedHashAnnotation]: null } }, spec: { replicas: 0 } }
  await kube.patch(type, { name, namespace }, body, { type: 'merge', signal })
}

/** Why a control plane goes to zero, in words. */
interface Rest {
  readonly reason: 'Paused' | 'Restoring' | 'Moving'
  /** Of conditions while pods are still to end. */
  readonly onTheWay: string
  readonly why: string
  readonly until: string
}

const paused: Rest = { reason: 'Paused', onTheWay: 'Pausing', why: 'the tenant is paused', until: 'spec.state is Running again' }
const restoring: Rest = {
  reason: 'Restoring',
  onTheWay: 'Restoring',
  why: 'the tenant is being restored',
  until: 'its data are loaded',
}
const moving: Rest = {
  reason: 'Moving',
  onTheWay: 'Moving',
  why: 'the tenant moves to another data store',
  until: 'its data are copied',
}

/** A component without pods. What uses it goes first, so that none of it ends in errors, and writes that were answered are kept. */
const stopped = (
  { reason, onTheWay, why, until }: Rest,
  names: Pick<Step, 'name' | 'condition' | 'needs'>,
  partOf: (round: Round) => Part,
): Step => ({
  ...names,
  async run(round, deps) {
    const { component, plane } = partOf(round)
    const wanted = wantedOf(component, plane)
    const live = ['Deployment', 'StatefulSet'].flatMap((kind) => round.observed.objects.get(`${kind}/${component.name}`) ?? [])
    // What is being made anew around its pods takes no other fields: it comes to zero once it is gone and made again.
    const going = new Set(live.filter(({ metadata }) => metadata.deletionTimestamp).map(objectId))
    await (wanted
      ? allOf(
          wanted
            .filter((object) => !going.has(objectId(object)))
            .map((object) => applyWanted(atZero(object), round.observed.objects.get(objectId(object)), deps)),
        )
      : allOf(live.filter((workload) => !going.has(objectId(workload))).map((workload) => scaleToZero(workload, deps))))
    if (going.size > 0)
      return { kind: 'wait', reason: onTheWay, message: `waits for ${component.name} to be made anew`, retryAfterMs: 500 }
    // One that was evicted stays to be looked at, and runs nothing; one that is on its way out is soon gone.
    const left = podsOf(round.observed.pods, component.name).filter(
      (pod) => pod.metadata.deletionTimestamp || !hasEnded(pod),
    ).length
    return left === 0
      ? {
          kind: 'off',
          reason,
          message: `${why}: at zero until ${until}`,
        }
      : { kind: 'wait', reason: onTheWay, message: `waits for ${left} pod(s) of ${component.name} to end` }
  },
})

const idle = ({ reason, why }: Rest, names: Pick<Step, 'name' | 'condition'>, what: string): Step => ({
  ...names,
  needs: [],
  run: async () => ({ kind: 'off', reason, message: `${why}: ${what}` }),
})

const hasRun = ({ status }: TenantControlPlane): boolean => status?.timings?.['APIServerReady'] !== undefined

/** Why a tenant that is to be paused goes on running. */
export const pauseRefusalOf = ({ tenant, plane }: Pick<Round, 'tenant' | 'plane'>): string | undefined =>
  tenant.spec.state !== 'Running' && plane.storage.kind === 'ephemeral' && hasRun(tenant)
    ? "not paused: etcd's data are in its pods and would go with them, as the cluster had no storage class when the tenant was made. Set spec.state to Running"
    : undefined

/** How long a tenant that is woken only to be paused is waited for. Its pods are noted as not made; that is made up for when it wakes again. */
const wakeToPauseMs = 60_000

const hasWokenForLong = ({ status }: TenantControlPlane, now: Date): boolean =>
  status?.conditions?.some(
    ({ type, reason, lastTransitionTime }) =>
      type === 'Paused' && reason === 'Waking' && now.getTime() - Date.parse(lastTransitionTime) > wakeToPauseMs,
  ) ?? false

/** Once begun, a pause goes on, whatever becomes of the note meanwhile. */
const isPausing = ({ status }: TenantControlPlane): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'Paused' && (reason === 'Pausing' || reason === 'Paused')) ?? false

/**
 * True when the control plane is to go to zero now. One that hibernates goes on until the syncer has ended the tenant's pods; one that is woken only to be
 * paused, until the syncer has made them anew.
 */
export const isToRest = ({ tenant, observed, now }: Pick<Round, 'tenant' | 'observed' | 'now'>): boolean => {
  const hibernation = hibernationOf(observed.syncerLease)
  switch (tenant.spec.state) {
    case 'Running':
      return false
    case 'Paused':
      return isPausing(tenant) || hasWoken(hibernation) || hasWokenForLong(tenant, now)
    case 'Hibernated':
      return hibernation?.phase === 'ended' || !hasRun(tenant)
  }
}

const serverSteps = (rest: Rest): readonly Step[] => [
  idle(rest, { name: 'DNS', condition: 'DNSReady' }, 'its pods have the names that cluster DNS knew then'),
  idle(rest, { name: 'syncer', condition: 'SyncReady' }, 'nothing is synced'),
  stopped(rest, { name: 'controller manager', condition: 'ControllerManagerReady', needs: [] }, (round) => ({
    component: kubeControllerManager,
    // In the middle of an upgrade it stays behind the API servers, also when all wake up.
    plane: controllerManagerPlane(round),
  })),
  stopped(rest, { name: 'API server', condition: 'APIServerReady', needs: ['controller manager'] }, ({ plane }) => ({
    component: kubeApiServer,
    plane,
  })),
]

const restSteps = (rest: Rest): readonly Step[] => [
  ...serverSteps(rest),
  stopped(rest, { name: 'data store', condition: 'DataStoreReady', needs: ['API server'] }, ({ plane }) => ({
    component: dataStores[plane.spec.dataStore.kind],
    plane,
  })),
]

/** The way to rest, in the opposite order of the way up. Nothing of the tenant's workloads is touched. */
export const pauseSteps = restSteps(paused)
/** The same, for the time that the data of the control plane are replaced. */
export const restoreSteps = restSteps(restoring)
/** An own store goes on while it is copied. In one that is elsewhere the tenant's user stays locked out, so nobody is let in again. */
const copiedStore: Step = {
  ...dataStore,
  run: async (round, deps, before) =>
    round.plane.spec.dataStore.kind === 'dedicated'
      ? dataStore.run(round, deps, before)
      : { kind: 'done', reason: 'Moving', message: 'its data store is only read until the data are copied' },
}

/** The same for the time that the data are copied elsewhere: the data store itself goes on. */
export const moveSteps: readonly Step[] = [copiedStore, ...serverSteps(moving)]
