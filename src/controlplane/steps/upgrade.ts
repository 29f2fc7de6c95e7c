import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import type { UpgradeCheck, UpgradeStatus } from '../../apis/upgrade.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { hashOf } from '../apply.ts'
import { apiServerPort } from '../components/kube-apiserver.ts'
import type { Deps } from '../deps.ts'
import { hasReadyPod, podsOf } from '../diagnose.ts'
import { tenantEndpoint } from '../endpoints.ts'
import { isMoving } from '../moves/move-plan.ts'
import { componentNames } from '../names.ts'
import { adminKubeconfig } from '../pki/files.ts'
import { isRestoring } from '../snapshots/restore-plan.ts'
import { isServing, type Round, type StepResult } from '../steps.ts'
import { askGate, clearGate, type GateRefusal } from '../upgrades/gate.ts'
import { calleesOf, deprecatedAPIsIn, removedAPIFindings, unreachableFindings } from '../upgrades/preflight.ts'
import { readCalls, readMetrics } from '../upgrades/preflight-facts.ts'
import {
  beginUpgrade,
  isUpgrading,
  nextUpgrade,
  recheckMs,
  restoreRequestId,
  type SnapshotState,
  stepRefusal,
  type UpgradeView,
} from '../upgrades/upgrade-plan.ts'
import {
  dropKey,
  dropSnapshot,
  isSaved,
  keepSnapshot,
  snapshotRefusal,
  tidySnapshots,
  upgradeSnapshotName,
} from '../upgrades/upgrade-snapshot.ts'
import { closedWindow } from '../upgrades/window.ts'
import { adminClient } from './foundation.ts'

/** What an upgrade is decided by, beside the round: how its steps ended, and what the spec wants. */
export interface Upgrading {
  /** As it is recorded, with the version that is wanted. */
  readonly recorded: TenantControlPlane
  readonly round: Round
  readonly results: readonly StepResult[]
  readonly restore: RestoreStatus | undefined
}

const requestOf = ({ spec }: TenantControlPlane): string => hashOf([spec.version, spec.upgrade.requestedAt ?? '']).slice(0, 16)

const resultOf = (results: readonly StepResult[], name: string): StepResult | undefined =>
  results.find(({ step }) => step.name === name)

const isDone = (results: readonly StepResult[], name: string): boolean => {
  const result = resultOf(results, name)
  return result !== undefined && 'outcome' in result && result.outcome.kind === 'done'
}

const rolled = ['API server', 'controller manager'] as const

const rolloutOf = (results: readonly StepResult[]): UpgradeView['rollout'] => {
  const problems = rolled.flatMap((name) => {
    const result = resultOf(results, name)
    if (result && 'error' in result) return [`${name}: ${explainError(result.error)}`]
    return result?.outcome.kind === 'wait' && result.outcome.problem ? [`${name}: ${result.outcome.message}`] : []
  })
  return { isDone: rolled.every((name) => isDone(results, name)), problem: problems[0] }
}

const isAtRest = (results: readonly StepResult[]): boolean =>
  results.some((result) => 'outcome' in result && result.outcome.kind === 'off')

const isTrue = ({ status }: TenantControlPlane, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true

/** Why an upgrade does not begin now, though nothing of it is wrong. */
const hindranceOf = (
  { recorded, round, results, restore }: Upgrading,
  skipped: ReadonlySet<UpgradeCheck>,
): string | undefined => {
  if (recorded.spec.state !== 'Running' || isAtRest(results) || isTrue(recorded, 'Paused'))
    return 'the tenant is at rest; set spec.state to Running'
  if (isRestoring(restore) || restore?.phase === 'Starting') return 'waits for the restore'
  if (isMoving(recorded.status?.move)) return 'waits for the move to another data store'
  if (round.rotation !== undefined) return `waits for the rotation of keys: ${round.rotation.message}`
  if (isTrue(recorded, 'Frozen')) return `syncing is frozen; say \`berth tenant resume-sync ${recorded.metadata.name}\` first`
  const open = results.find((result) => !isServing(result))
  if (open && !skipped.has('Ready')) {
    const said = 'error' in open ? explainError(open.error) : open.outcome.message
    return `waits until the tenant is Ready (${open.step.name}: ${said}); spec.upgrade.skipChecks: ["Ready"] does not wait`
  }
  try {
    return closedWindow(recorded.spec.upgrade, round.now)
  } catch (error) {
    if (error instanceof AppError && error.code === 'SPEC_INVALID') return explainError(error)
    throw error
  }
}

const adminKube = ({ plane, roots, keys, ref }: Round, { tenantClients }: Deps): KubeClient =>
  tenantClients.published(ref.uid, adminKubeconfig({ tenant: ref, server: tenantEndpoint(plane) }, roots, adminClient(keys)))

/** What each API server was asked for that is deprecated: each counts for itself. */
const metricsOfAll = async ({ observed, roots, now }: Round, { tenantClients, signal }: Deps): Promise<readonly string[]> => {
  const pods = podsOf(observed.pods, componentNames.kubeApiServer).filter((pod) => hasReadyPod([pod]))
  return Promise.all(
    pods.map(async ({ status }) => {
      const ip = String(status?.podIP ?? '')
      const kube = await tenantClients.bootstrapAt(`${ip.includes(':') ? `[${ip}]` : ip}:${apiServerPort}`, roots, now)
      try {
        return await readMetrics(kube, signal)
      } finally {
        await kube.close()
      }
    }),
  )
}

const gateOf = (upgrading: Upgrading, version: string, deps: Deps): Promise<GateRefusal | undefined> =>
  askGate({ version, word: upgrading.round.now.toISOString() }, adminKube(upgrading.round, deps), deps.signal)

/** What has to be mended before an upgrade, for people. */
const findingsOf = async (upgrading: Upgrading, present: UpgradeStatus, deps: Deps): Promise<readonly string[]> => {
  const { recorded, round, results } = upgrading
  const refusal = stepRefusal(present) ?? snapshotRefusal(recorded)
  if (refusal !== undefined) return [refusal]
  const skipped = new Set<UpgradeCheck>(recorded.spec.upgrade.skipChecks)
  const look = async (check: UpgradeCheck, work: () => Promise<readonly string[]>): Promise<readonly string[]> => {
    if (skipped.has(check)) return []
    try {
      return await work()
    } catch (error) {
      if (deps.signal.aborted) throw error
      return [`check ${check} could not be made: ${explainError(error)}`]
    }
  }
  const found = await Promise.all([
    look('RemovedAPIs', async () => removedAPIFindings((await metricsOfAll(round, deps)).flatMap(deprecatedAPIsIn), present.to)),
    look('Webhooks', async () => {
      const calls = await readCalls(adminKube(round, deps), deps.signal)
      return unreachableFindings(calleesOf(calls), calls.endpointSlices)
    }),
    look('DataStore', async () => {
      // What serves meanwhile, a member on its way for one, is not whole yet.
      const store = resultOf(results, 'data store')
      if (isDone(results, 'data store') || store === undefined) return []
      return [`the data store is not whole: ${'error' in store ? explainError(store.error) : store.outcome.message}`]
    }),
    look('Requests', async () => {
      const refused = await gateOf(upgrading, present.from, deps)
      return refused === undefined ? [] : [`the tenant does not answer today what is asked after an upgrade: ${refused.message}`]
    }),
  ])
  return found.flat()
}

/** Only what the phase goes by is looked at. */
const viewOf = async (upgrading: Upgrading, present: UpgradeStatus, deps: Deps): Promise<UpgradeView> => {
  const { recorded, round, results, restore } = upgrading
  const { now } = round
  const view: UpgradeView = {
    now,
    isAskedFor: requestOf(recorded) === present.request,
    timeoutMs: recorded.spec.upgrade.timeoutSeconds * 1000,
    findings: [],
    snapshot: isSaved(recorded) ? { kind: 'absent' } : { kind: 'none' },
    isAtRest: isAtRest(results),
    rollout: rolloutOf(results),
    refused: undefined,
    passedBefore: !recorded.spec.upgrade.skipChecks.includes('Requests'),
    restore: undefined,
  }
  const name = present.snapshotName ?? upgradeSnapshotName(recorded, present)
  switch (present.phase) {
    case 'Waiting':
    case 'Blocked': {
      if (present.checkedAt !== undefined && now.getTime() - Date.parse(present.checkedAt) < recheckMs) return view
      const hindrance = hindranceOf(upgrading, new Set(recorded.spec.upgrade.skipChecks))
      return hindrance === undefined ? { ...view, findings: await findingsOf(upgrading, present, deps) } : { ...view, hindrance }
    }
    case 'Saving': {
      if (isMoving(recorded.status?.move)) return { ...view, hindrance: 'waits for the move to another data store' }
      if (!view.isAskedFor || !isSaved(recorded)) return view
      const snapshot = await keepSnapshot(recorded, { name, isWanted: true }, deps)
      if (snapshot.kind === 'failed') await dropSnapshot(recorded, name, deps)
      return { ...view, snapshot }
    }
    case 'RollingOut':
    case 'Verifying':
    case 'GoingBack': {
      if (view.isAtRest) return view
      const version = round.tenant.spec.version
      const refused = view.rollout.isDone ? await gateOf(upgrading, version, deps) : undefined
      const snapshot: SnapshotState =
        present.phase === 'GoingBack' && present.snapshotName !== undefined
          ? await keepSnapshot(recorded, { name, isWanted: false }, deps)
          : view.snapshot
      return { ...view, refused, snapshot }
    }
    case 'RestoringData':
      return { ...view, restore: restore?.request === restoreRequestId(present) ? restore : undefined }
    case 'Done':
    case 'Failed':
      return view
  }
}

const begun = ({ recorded, round }: Upgrading, present: UpgradeStatus | undefined): UpgradeStatus | undefined => {
  const from = round.tenant.spec.version
  const { version: to } = recorded.spec
  if (recorded.status?.version === undefined) return undefined
  // What failed is told as long as it is asked for; what is done, until there is another one.
  if (to === from) return present?.phase === 'Done' ? present : undefined
  const request = requestOf(recorded)
  if (present?.request === request && present.phase === 'Failed') return present
  return beginUpgrade({ from, to, request }, round.now)
}

/** Leaves nothing behind of an upgrade that is over. Tried again as long as it is told. */
const tidy = async (
  upgrading: Upgrading,
  { phase, snapshotName }: UpgradeStatus,
  before: UpgradeStatus,
  deps: Deps,
): Promise<void> => {
  // What could not be restored may be restored by a person yet, with the same key.
  const isToBeOpened = phase === 'Failed' && before.phase === 'RestoringData' && upgrading.restore?.phase === 'Failed'
  if (snapshotName !== undefined && !isToBeOpened) await dropKey(upgrading.recorded, snapshotName, deps)
  await tidySnapshots(upgrading.recorded, snapshotName, deps)
  if (!isAtRest(upgrading.results)) await clearGate(adminKube(upgrading.round, deps), deps.signal)
}

/** How an upgrade stands after a round: a step further, if it may. What is in force follows with the next round, when that is written down. */
const advanceUpgrade = async (upgrading: Upgrading, deps: Deps): Promise<UpgradeStatus | undefined> => {
  const present = upgrading.recorded.status?.upgrade
  if (!isUpgrading(present)) return begun(upgrading, present)
  const next = nextUpgrade(present, await viewOf(upgrading, present, deps))
  if (!next && present.snapshotName !== undefined) {
    await dropSnapshot(upgrading.recorded, present.snapshotName, deps)
    await dropKey(upgrading.recorded, present.snapshotName, deps)
  }
  if (next?.phase === 'Saving' && next.snapshotName === undefined)
    return { ...next, snapshotName: upgradeSnapshotName(upgrading.recorded, next) }
  // Not a reason to be stuck: what is left is small, and told of nowhere else.
  if (next && !isUpgrading(next))
    await tidy(upgrading, next, present, deps).catch((error: unknown) => {
      deps.log.warn({ error: explainError(error) }, 'what an upgrade left is not cleaned up')
    })
  return next
}

/** The same; what goes wrong with it is told as its own trouble: the rest of the tenant has none. */
export const triedUpgrade = async (upgrading: Upgrading, deps: Deps): Promise<UpgradeStatus | undefined> => {
  const present = upgrading.recorded.status?.upgrade
  try {
    return await advanceUpgrade(upgrading, deps)
  } catch (error) {
    if (deps.signal.aborted || !isUpgrading(present)) throw error
    deps.log.warn({ error: explainError(error) }, 'an upgrade does not get on')
    return { ...present, message: `it does not get on: ${explainError(error)}`.slice(0, 4000) }
  }
}

/** How soon an upgrade is to be looked at again, milliseconds; undefined: no sooner than all else. */
export const upgradeRetryMs = (upgrade: UpgradeStatus | undefined): number | undefined => {
  if (!isUpgrading(upgrade)) return undefined
  if (upgrade.phase === 'Waiting') return 10_000
  return upgrade.phase === 'Blocked' ? recheckMs : 1_000
}
