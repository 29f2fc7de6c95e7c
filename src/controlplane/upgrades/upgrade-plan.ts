import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { timestamp } from '../../apis/timestamp.ts'
import type { UpgradeStatus } from '../../apis/upgrade.ts'
import { shortHash } from '../../tenancy/names.ts'
import type { GateRefusal } from './gate.ts'
import { compareVersions, minorOf } from './version-in-force.ts'

/** What the spec asks for. */
export interface UpgradeRequest {
  readonly from: string
  readonly to: string
  /** Another one for whatever is asked for differently. */
  readonly request: string
}

/** How the snapshot stands that an upgrade begins with. `none`: it has none. */
export type SnapshotState =
  | { readonly kind: 'none' | 'absent' | 'complete' }
  | { readonly kind: 'running' | 'failed'; readonly message: string }

/** What is seen of an upgrade that is under way. Of what the phase does not ask for, nothing is looked at. */
export interface UpgradeView {
  readonly now: Date
  /** The spec still asks for the very same. */
  readonly isAskedFor: boolean
  readonly timeoutMs: number
  /** Why it does not begin now, though nothing is wrong. */
  readonly hindrance?: string | undefined
  /** What the checks found, for people. */
  readonly findings: readonly string[]
  readonly snapshot: SnapshotState
  /** The control plane is at rest: a pause, or a restore. */
  readonly isAtRest: boolean
  /** All components run the version in force; or what keeps them from it. */
  readonly rollout: { readonly isDone: boolean; readonly problem?: string | undefined }
  /** What a request of the gate was refused with; `undefined`: all were answered. */
  readonly refused: GateRefusal | undefined
  /** The requests of the gate were answered before anything was changed, as far as anybody looked. */
  readonly passedBefore: boolean
  /** The restore that this upgrade asked for. */
  readonly restore: Pick<RestoreStatus, 'phase' | 'message'> | undefined
}

/** Pods that cannot run are given this long to find their way: a crash at the start may be cured by the next one. */
const failingMs = 45_000
/** The gate is passed when its requests were answered all the time for so long. */
const passingMs = 10_000
/** The version before is given this long to answer before the data are taken for harmed. */
const harmedMs = 30_000
/** How often the checks are made again. */
export const recheckMs = 30_000

const since = (moment: string | undefined, now: Date): number => (moment === undefined ? 0 : now.getTime() - Date.parse(moment))

const cut = (text: string): string => text.slice(0, 4000)

/** Why versions do not follow each other. The API server refuses most of it; a spec that was emptied in between gets past it. */
export const stepRefusal = ({ from, to }: Pick<UpgradeRequest, 'from' | 'to'>): string | undefined => {
  if (compareVersions(to, from) < 0)
    return `${to} is older than ${from}, which runs: Kubernetes does not read data of a newer version. Set spec.version to ${from}`
  return minorOf(to) > minorOf(from) + 1
    ? `from ${from} to ${to} is more than one minor: upgrade to the next minor first`
    : undefined
}

/** An upgrade that is asked for, at its beginning. */
export const beginUpgrade = ({ from, to, request }: UpgradeRequest, now: Date): UpgradeStatus => ({
  from,
  to,
  request,
  phase: 'Waiting',
  message: `from ${from} to ${to}`,
  startedAt: timestamp(now),
})

type Next = UpgradeStatus | undefined

/** The same, in the next phase; what belonged to the phase before is left out. */
const go = (present: UpgradeStatus, change: Pick<UpgradeStatus, 'phase' | 'message'> & Partial<UpgradeStatus>): UpgradeStatus => {
  const { failingSince: _, passingSince: __, checkedAt: ___, ...kept } = present
  return { ...kept, ...change }
}

const goBack = (present: UpgradeStatus, failure: string, now: Date): UpgradeStatus =>
  go(present, {
    phase: 'GoingBack',
    failure: cut(failure),
    rolledAt: timestamp(now),
    message: cut(`${present.from} takes its place again: ${failure}`),
  })

const fail = (present: UpgradeStatus, message: string, now: Date): UpgradeStatus =>
  go(present, { phase: 'Failed', message: cut(message), completedAt: timestamp(now) })

const withoutSnapshot = (present: UpgradeStatus): UpgradeStatus => {
  const { snapshotName: _, ...rest } = present
  return rest
}

/** Nothing was changed yet. */
const beforehand = (present: UpgradeStatus, view: UpgradeView): Next => {
  const { now, isAskedFor, hindrance, findings, snapshot } = view
  const { from, to } = present
  if (!isAskedFor) return undefined
  if (present.phase === 'Saving') {
    if (hindrance !== undefined) return go(present, { phase: 'Waiting', message: cut(`from ${from} to ${to}: ${hindrance}`) })
    switch (snapshot.kind) {
      case 'none':
        return go(withoutSnapshot(present), {
          phase: 'RollingOut',
          rolledAt: timestamp(now),
          message: `${to} is being rolled out`,
        })
      case 'complete':
        return go(present, { phase: 'RollingOut', rolledAt: timestamp(now), message: `${to} is being rolled out` })
      case 'failed':
        return go(present, {
          phase: 'Blocked',
          checkedAt: timestamp(now),
          message: cut(
            `the data could not be saved: ${snapshot.message}. Mend that, or set spec.upgrade.snapshot to Never to go without a way back for data`,
          ),
        })
      case 'running':
      case 'absent':
        return { ...present, message: 'the data are being saved' }
    }
  }
  if (present.checkedAt !== undefined && since(present.checkedAt, now) < recheckMs) return present
  if (hindrance !== undefined) return go(present, { phase: 'Waiting', message: cut(`from ${from} to ${to}: ${hindrance}`) })
  if (findings.length > 0) return go(present, { phase: 'Blocked', checkedAt: timestamp(now), message: cut(findings.join('; ')) })
  return snapshot.kind === 'none'
    ? go(present, { phase: 'RollingOut', rolledAt: timestamp(now), message: `${to} is being rolled out` })
    : go(present, { phase: 'Saving', message: 'the data are being saved' })
}

/** The new version is on its way to all components, or has to show what it can. */
const forward = (present: UpgradeStatus, view: UpgradeView): UpgradeStatus => {
  const { now, isAskedFor, rollout, refused, timeoutMs } = view
  const { to, rolledAt } = present
  if (!isAskedFor) return goBack(present, 'spec.version asks for another version now', now)
  const trouble = rollout.isDone ? refused?.message : rollout.problem
  const isLate = since(rolledAt, now) > timeoutMs
  if (!rollout.isDone) {
    const failingSince = trouble === undefined ? undefined : (present.failingSince ?? timestamp(now))
    if (trouble !== undefined && since(failingSince, now) > failingMs) return goBack(present, trouble, now)
    if (isLate) return goBack(present, `${to} was not up within ${timeoutMs / 1000} s${trouble ? `: ${trouble}` : ''}`, now)
    const message = cut(trouble === undefined ? `${to} is being rolled out` : `${to} is being rolled out: ${trouble}`)
    return go(present, { phase: 'RollingOut', message, ...(failingSince !== undefined && { failingSince }) })
  }
  if (trouble !== undefined) {
    if (isLate) return goBack(present, `${to} runs, but ${trouble}`, now)
    return go(present, { phase: 'Verifying', message: cut(`${to} runs, but ${trouble}`) })
  }
  const passingSince = present.passingSince ?? timestamp(now)
  return since(passingSince, now) >= passingMs
    ? go(present, { phase: 'Done', message: `${to} runs and answers`, completedAt: timestamp(now) })
    : go(present, { phase: 'Verifying', message: `${to} runs; its answers are being watched`, passingSince })
}

/**
 * The version before takes its place again: first with the data as they are, so that nothing that was acknowledged is lost. They are taken for harmed only when
 * what is stored cannot be read for a while by a control plane that is up, and could be before.
 */
const back = (present: UpgradeStatus, view: UpgradeView): UpgradeStatus => {
  const { now, rollout, refused, timeoutMs, snapshot, passedBefore } = view
  const { from, to, failure = '' } = present
  const trouble = rollout.isDone ? refused?.message : (rollout.problem ?? `${from} is not up`)
  if (trouble === undefined)
    return fail(present, `${from} runs again, with the data as they are. ${to} was given up: ${failure}`, now)
  const isHarm = rollout.isDone && refused?.isOfData === true && passedBefore
  const failingSince = isHarm ? (present.failingSince ?? timestamp(now)) : undefined
  const isHarmed = isHarm && since(failingSince, now) > harmedMs
  if (isHarmed && snapshot.kind === 'complete')
    return go(present, {
      phase: 'RestoringData',
      message: cut(`${from} cannot read the data as they are (${trouble}): snapshot ${present.snapshotName} takes their place`),
    })
  if (!isHarmed && since(present.rolledAt, now) <= timeoutMs)
    return go(present, {
      phase: 'GoingBack',
      message: cut(`${from} takes its place again: ${trouble}. ${to} was given up: ${failure}`),
      ...(failingSince !== undefined && { failingSince }),
    })
  const way =
    snapshot.kind === 'complete'
      ? `the data of before are in snapshot ${present.snapshotName}: berth restore brings them back, and what was written since is lost then`
      : 'there is no snapshot to restore'
  return fail(present, `${from} was put back, but ${trouble}; ${way}. ${to} was given up: ${failure}`, now)
}

const restoring = (present: UpgradeStatus, { now, restore }: UpgradeView): UpgradeStatus => {
  const { from, to, failure, snapshotName } = present
  switch (restore?.phase) {
    case undefined:
      return present
    case 'Done':
      return fail(
        present,
        `${from} runs again, with the data of snapshot ${snapshotName}: what was written after it is lost. Look at the tenant, then say \`berth tenant resume-sync\`. ${to} was given up: ${failure}`,
        now,
      )
    case 'Failed':
      return fail(
        present,
        `snapshot ${snapshotName} was not restored: ${restore.message}. berth restore tries it again. ${to} was given up: ${failure}`,
        now,
      )
    case 'Stopping':
    case 'Loading':
    case 'Swapping':
    case 'Starting':
      return { ...present, message: cut(`snapshot ${snapshotName}: ${restore.message}`) }
  }
}

/** The rule for an upgrade that has been asked for; undefined: there is none any more. Done and Failed stay as they are. */
export const nextUpgrade = (present: UpgradeStatus, view: UpgradeView): Next => {
  switch (present.phase) {
    case 'Waiting':
    case 'Blocked':
    case 'Saving':
      return beforehand(present, view)
    case 'RollingOut':
    case 'Verifying':
    case 'GoingBack': {
      const { rolledAt: _, failingSince: __, passingSince: ___, ...held } = present
      // Its time stands still, and begins anew afterwards.
      if (view.isAtRest) return { ...held, message: cut(`the control plane is at rest: ${present.to} goes on after that`) }
      const running = present.rolledAt === undefined ? { ...present, rolledAt: timestamp(view.now) } : present
      return present.phase === 'GoingBack' ? back(running, view) : forward(running, view)
    }
    case 'RestoringData':
      return restoring(present, view)
    case 'Done':
    case 'Failed':
      return present
  }
}

/** True while an upgrade is under way. */
export const isUpgrading = (upgrade: UpgradeStatus | undefined): upgrade is UpgradeStatus =>
  upgrade !== undefined && upgrade.phase !== 'Done' && upgrade.phase !== 'Failed'

/** True when an upgrade is past what waits for others or for people. */
export const isBeyondChecks = (upgrade: UpgradeStatus | undefined): upgrade is UpgradeStatus =>
  isUpgrading(upgrade) && upgrade.phase !== 'Waiting' && upgrade.phase !== 'Blocked'

/** What a restore is asked for by, when it is an upgrade that asks: another one for each upgrade, also to the same version. */
export const restoreRequestId = ({ request, startedAt }: Pick<UpgradeStatus, 'request' | 'startedAt'>): string =>
  `upgrade-${shortHash([request, startedAt], 12)}`
