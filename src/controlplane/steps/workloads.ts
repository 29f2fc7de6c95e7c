import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { explainError } from '../../lib/errors.ts'
import { componentLabel } from '../../tenancy/marks.ts'
import { allOf, applyWanted, isApplied } from '../apply.ts'
import { flagsRefusal } from '../components/extra-args.ts'
import { resourceQuota } from '../components/isolation.ts'
import { kubeApiServer } from '../components/kube-apiserver.ts'
import { kubeControllerManager } from '../components/kube-controller-manager.ts'
import type { Component, Plane } from '../components/plane.ts'
import type { Deps } from '../deps.ts'
import {
  hasEnded,
  hasReadyPod,
  hasRunningContainer,
  isRolledOut,
  isScheduled,
  podProblem,
  podsOf,
  workloadProblem,
} from '../diagnose.ts'
import { tenantEndpoint } from '../endpoints.ts'
import { componentNames } from '../names.ts'
import { objectId } from '../observe.ts'
import { isServing, type Round, type Step, type StepOutcome, type StepResult } from '../steps.ts'
import { compareVersions } from '../upgrades/version-in-force.ts'
import type { KubernetesVersion } from '../versions.ts'
import { firstAnswer } from './first-answer.ts'

const deleteObject = async (object: KubeObject, { kube, signal }: Deps): Promise<void> => {
  const { name = '', namespace = '', uid = '' } = object.metadata
  await kube.delete(resourceTypes.podDisruptionBudgets, { name, namespace }, { uid, signal })
}

/** Applies the objects of a component that are not applied as they are. True when none had to be written. */
export const applyComponent = async (component: Component, plane: Plane, { observed }: Round, deps: Deps): Promise<boolean> => {
  const wanted = component.desired(plane)
  const written = await allOf(wanted.map((object) => applyWanted(object, observed.objects.get(objectId(object)), deps)))
  // Of a single replica a budget would hold up every drain of its node.
  const budget = observed.objects.get(`PodDisruptionBudget/${component.name}`)
  if (budget && !wanted.some(({ kind }) => kind === 'PodDisruptionBudget')) await deleteObject(budget, deps)
  return !written.includes(true)
}

/** What a component says of itself that is not as it should be yet. */
export const starting = (component: string, { observed, now, plane }: Round, workload: KubeObject | undefined): StepOutcome => {
  const problem = podProblem(podsOf(observed.pods, component), now) ?? workloadProblem(workload)
  const { readyReplicas = 0 } = workload?.status ?? {}
  // More than half: what etcd needs, and more than enough for the others.
  const serves = plane.hasServed && readyReplicas > (workload?.spec?.replicas ?? 1) / 2
  if (problem) return { ...problem, serves }
  if (serves)
    return { kind: 'wait', reason: 'RollingOut', message: `${component} is being rolled out and serves meanwhile`, serves }
  return { kind: 'wait', reason: 'Starting', message: `${component} is starting` }
}

/** True while a ready pod takes over from one that goes: what is not answered then is answered with the next request. */
const isRelieved = (round: Round, workload: KubeObject | undefined): boolean =>
  isBeingRolled(round, workload) &&
  hasReadyPod(podsOf(round.observed.pods, componentNames.kubeApiServer).filter(({ metadata }) => !metadata.deletionTimestamp))

/** The API server answers while another revision of it is on its way, or cannot come up. */
const rolling = ({ observed, now }: Round, workload: KubeObject | undefined): StepOutcome => {
  const name = componentNames.kubeApiServer
  const problem = podProblem(podsOf(observed.pods, name), now) ?? workloadProblem(workload)
  if (problem) return { ...problem, serves: true, retryAfterMs: 2000 }
  return { kind: 'wait', reason: 'RollingOut', message: `${name} is being rolled out and serves meanwhile`, serves: true }
}

/** A workload whose flags cannot be used stays as it is, if it is there. */
const refused = (message: string, workload: KubeObject | undefined): StepOutcome => ({
  kind: 'wait',
  reason: 'FlagRefused',
  message,
  problem: true,
  serves: isRolledOut(workload) && workload?.spec?.replicas > 0,
  retryAfterMs: 5000,
})

const withoutFlags = (plane: Plane): Plane => {
  const { apiServer, controllerManager } = plane.spec
  return {
    ...plane,
    spec: {
      ...plane.spec,
      apiServer: { ...apiServer, extraArgs: undefined },
      controllerManager: { ...controllerManager, extraArgs: undefined },
    },
  }
}

/** What it shows has ended. Another one is there by now, as each round renews what is to be renewed: a manager that was away for long comes to this. */
const expired = ({ namespace }: Plane): StepOutcome => ({
  kind: 'wait',
  reason: 'CertificateExpired',
  message: `the API server shows a certificate that has expired. Another one was made, and its node brings it to the pod within two minutes; kubectl delete pod -n ${namespace} -l ${componentLabel}=${componentNames.kubeApiServer} does so at once. Check why the manager did not renew it in time: berth certs list shows when each one ends`,
  retryAfterMs: 2000,
  problem: true,
})

/**
 * True until an etcd of the tenant's own has a node and a volume, which may take a provisioner long. An API server that finds no etcd asks again after pauses that grow,
 * and sleeps through the moment that etcd is there; in the end it is restarted, and held back.
 */
export const waitsForPlace = (plane: Pick<Plane, 'spec' | 'hasServed'>, pods: readonly KubeObject[]): boolean =>
  plane.spec.dataStore.kind === 'dedicated' && !plane.hasServed && !podsOf(pods, componentNames.etcd).some(isScheduled)

/** How long one round asks an API server that starts for the first time, and how often. */
const firstStartMs = { forMs: 1000, everyMs: 100 }

/** Status of `/readyz`. @throws when there is no answer. */
const readiness = async (client: KubeClient, { plane, observed }: Round, { signal, firstStarts }: Deps): Promise<number> => {
  // A starting process takes connections long before it answers: nothing else of the round should wait long for that.
  const ask = () => client.raw('/readyz', { signal, timeoutMs: plane.hasServed ? 3000 : 500 })
  if (plane.hasServed) return (await ask()).status
  const isAwaited = !observed.objects.has(`Deployment/${componentNames.kubeControllerManager}`)
  const giveBack = firstStarts.take()
  if (!giveBack) return (await ask()).status
  try {
    const said = await firstAnswer(ask, { ...firstStartMs, isAwaited, signal })
    if (said.kind === 'silence') throw said.error
    return said.status
  } finally {
    giveBack()
  }
}

/** The tenant's API server: done when it answers through its slice's first address. */
export const apiServer: Step = {
  name: 'API server',
  condition: 'APIServerReady',
  needs: [],
  async run(round, deps) {
    const { plane, roots, now, observed } = round
    const workload = observed.objects.get(`Deployment/${componentNames.kubeApiServer}`)
    if (!workload && waitsForPlace(plane, observed.pods)) {
      return { kind: 'wait', reason: 'Waiting', message: 'waits for etcd to have a node and a volume' }
    }
    const refusal = flagsRefusal.apiServer(plane.spec)
    // At zero it is after a pause or a restore: it starts again, without them.
    if (refusal !== undefined && workload?.spec?.replicas !== 0) return refused(refusal, workload)
    const versioned = apiServerPlane(round)
    const wanted = refusal === undefined ? versioned : withoutFlags(versioned)
    const settled = await applyComponent(kubeApiServer, wanted, round, deps)
    const pods = podsOf(observed.pods, componentNames.kubeApiServer)
    // At the first start it is asked as soon as its process runs; later, only what super's probes call ready gets requests.
    if (plane.hasServed ? !hasReadyPod(pods) : !hasRunningContainer(pods) || podProblem(pods, now)) {
      return starting(componentNames.kubeApiServer, round, workload)
    }
    const client = await deps.tenantClients.bootstrap(plane, roots, now)
    try {
      const status = await readiness(client, round, deps)
      // What is ready answers, and what comes after it may still fail.
      if (status === 200 && plane.hasServed && !(settled && isRolledOut(workload))) return rolling(round, workload)
      // Said by one that is on its way out, over a connection that it has not closed yet.
      if (status !== 200 && isRelieved(round, workload)) return rolling(round, workload)
      if (status === 200 && wanted.spec.version !== plane.spec.version) {
        const message = `stays at ${wanted.spec.version} until no controller manager runs it`
        return { kind: 'wait', reason: 'GoingBack', message, serves: true }
      }
      if (status === 200)
        return { kind: 'done', reason: 'Serving', message: `the API server answers at ${tenantEndpoint(plane)}` }
      return {
        kind: 'wait',
        reason: plane.hasServed ? 'NotReady' : 'Starting',
        message: `${tenantEndpoint(plane)}/readyz answers with ${status}`,
        retryAfterMs: 250,
        answers: true,
      }
    } catch (error) {
      if (!hasReadyPod(pods))
        return { kind: 'wait', reason: 'Starting', message: `${componentNames.kubeApiServer} is starting`, retryAfterMs: 200 }
      if (isRelieved(round, workload)) return rolling(round, workload)
      if (/certificate has expired/i.test(explainError(error))) return expired(plane)
      const message = `the pod is ready, but ${tenantEndpoint(plane)} does not answer: ${explainError(error)}. Check kube-proxy and network policies`
      return { kind: 'wait', reason: 'Unreachable', message, retryAfterMs: 150 }
    }
  },
}

/** True when the API server answers requests in this round, be it with a refusal. */
export const apiServerAnswers = (before: readonly StepResult[]): boolean =>
  before.some(
    (result) =>
      result.step.name === apiServer.name &&
      (isServing(result) || ('outcome' in result && result.outcome.kind === 'wait' && result.outcome.answers === true)),
  )

/** Of the spec of a pod. */
const versionOf = (spec: KubeObject['spec']): string | undefined => /:(v[0-9.]+)$/.exec(spec?.containers?.[0]?.image ?? '')?.[1]

const deployedVersion = (workload: KubeObject | undefined): string | undefined => versionOf(workload?.spec?.template?.spec)

/**
 * The version that the controller manager runs: never newer than every API server. While one of another version is left, it stays as it is.
 */
export const controllerManagerVersion = (
  wanted: KubernetesVersion,
  apiServerWorkload: KubeObject | undefined,
  running: string | undefined,
): KubernetesVersion => {
  const served = deployedVersion(apiServerWorkload)
  // At zero none of them runs any version yet.
  const hasApiServers = served !== undefined && apiServerWorkload?.spec?.replicas !== 0
  // One that somebody has taken away comes back as the API servers are.
  if (running === undefined) return hasApiServers && compareVersions(served, wanted) < 0 ? (served as KubernetesVersion) : wanted
  // On the way back it goes first.
  if (compareVersions(wanted, running) < 0) return wanted
  return hasApiServers && served === wanted && isRolledOut(apiServerWorkload) ? wanted : (running as KubernetesVersion)
}

/**
 * The version that the API servers run. On the way back to an older one they wait for the controller manager, which is never newer than they are: until
 * no pod of it runs the newer one.
 */
export const apiServerVersion = (
  wanted: KubernetesVersion,
  apiServerWorkload: KubeObject | undefined,
  controllerManagerPods: readonly KubeObject[],
): KubernetesVersion => {
  const running = deployedVersion(apiServerWorkload)
  const isAhead = controllerManagerPods.some(
    (pod) => compareVersions(versionOf(pod.spec) ?? wanted, wanted) > 0 && !hasEnded(pod),
  )
  return running !== undefined && compareVersions(wanted, running) < 0 && isAhead ? (running as KubernetesVersion) : wanted
}

/** How long a rollout may be without news before what is rolled counts as not serving. */
const rollingForMs = 30_000

/** True for a workload that has served, while the Deployment controller still gets on with its newest revision. */
const isBeingRolled = ({ plane, now }: Round, workload: KubeObject | undefined): boolean => {
  const conditions = (workload?.status?.conditions ?? []) as { type?: string; lastUpdateTime?: string }[]
  const news = Date.parse(conditions.find(({ type }) => type === 'Progressing')?.lastUpdateTime ?? '')
  return plane.hasServed && now.getTime() - news < rollingForMs
}

/** What the API servers are made of in this round. */
const apiServerPlane = ({ observed, plane }: Pick<Round, 'observed' | 'plane'>): Plane => {
  const workload = observed.objects.get(`Deployment/${componentNames.kubeApiServer}`)
  const version = apiServerVersion(plane.spec.version, workload, podsOf(observed.pods, componentNames.kubeControllerManager))
  return { ...plane, spec: { ...plane.spec, version } }
}

/** What the controller manager is made of in this round. */
export const controllerManagerPlane = ({ observed, plane }: Pick<Round, 'observed' | 'plane'>): Plane => {
  const { kubeApiServer: apiServerName, kubeControllerManager: name } = componentNames
  const running = deployedVersion(observed.objects.get(`Deployment/${name}`))
  const version = controllerManagerVersion(plane.spec.version, observed.objects.get(`Deployment/${apiServerName}`), running)
  return { ...plane, spec: { ...plane.spec, version } }
}

/**
 * The tenant's controller manager. It gives up after ten seconds without a healthy API server and is then held back for as long: so it starts when the API
 * server answers at all, while that still lays its roles and namespaces, and not before. By the time its own process runs, the other is healthy.
 */
export const controllerManager: Step = {
  name: 'controller manager',
  condition: 'ControllerManagerReady',
  needs: [],
  async run(round, deps, before) {
    const { observed, plane } = round
    const name = componentNames.kubeControllerManager
    const workload = observed.objects.get(`Deployment/${name}`)
    // At zero it is after a pause.
    if (!workload?.spec?.replicas && !apiServerAnswers(before)) {
      return { kind: 'wait', reason: 'Waiting', message: 'waits for the API server to answer' }
    }
    const refusal = flagsRefusal.controllerManager(plane.spec)
    if (refusal !== undefined && workload?.spec?.replicas !== 0) return refused(refusal, workload)
    const versioned = controllerManagerPlane(round)
    const wanted = refusal === undefined ? versioned : withoutFlags(versioned)
    const { version } = wanted.spec
    const settled = await applyComponent(kubeControllerManager, wanted, round, deps)
    if (!settled || !isRolledOut(workload)) {
      const outcome = starting(name, round, workload)
      // Old ones end before new ones start: that takes seconds in which all else goes on.
      return outcome.kind === 'wait' && !outcome.problem && isBeingRolled(round, workload)
        ? { ...outcome, reason: 'RollingOut', serves: true }
        : outcome
    }
    if (version !== plane.spec.version) {
      const message = `stays at ${version} until all API servers run ${plane.spec.version}`
      return { kind: 'wait', reason: 'Upgrading', message, serves: true }
    }
    return { kind: 'done', reason: 'Running', message: 'the controller manager runs' }
  },
}

/** Bounds the namespace. Only after the first pods: a quota that super has not counted yet refuses every pod. */
export const quota: Step = {
  name: 'quota',
  needs: ['data store', 'API server', 'controller manager'],
  async run({ plane, observed }, deps) {
    const wanted = resourceQuota(plane)
    const live = observed.objects.get(objectId(wanted))
    if (!isApplied(wanted, live)) await applyWanted(wanted, live, deps)
    return { kind: 'done', reason: 'Applied', message: 'the control-plane namespace has a quota' }
  },
}
