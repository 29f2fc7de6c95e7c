import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient, ListOptions } from '../../kube/client.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { isolationVerifyLabel } from '../../tenancy/marks.ts'
import { isolationVerifyAccount, systemNamespace } from '../../tenancy/names.ts'
import { applyUnlessCovered } from '../apply.ts'
import { grantOf, grantSelector, runsOf } from './objects.ts'
import { type RunImages, type RunTrouble, runTrouble, scheduleField, scheduleOf, surplus } from './plan.ts'

const { cronJobs, roleBindings, serviceAccounts } = resourceTypes
/** Nothing watches what is made here: what somebody edits or deletes comes back within this. */
const lookMs = 5 * 60_000
/** While the installation cannot run them: somebody may be about to change that. */
const lookAgainMs = 30_000

export interface IsolationRuns {
  /** Of a tenant with the spec that is in force: why its checks do not run by schedule; undefined: nothing keeps them, as far as is known, or there is no schedule. */
  trouble(tenant: TenantControlPlane): RunTrouble | undefined
  /** Makes the CronJobs, and who may read which kubeconfigs, what the schedules of all tenants say. */
  reconcile(signal: AbortSignal): Promise<Outcome>
}

export interface RunsOptions extends RunImages {
  /** Management. */
  readonly kube: KubeClient
  /** All there are as they are stored, also those that go. */
  readonly tenants: () => readonly TenantControlPlane[]
  /** Told the key of a tenant of which there is something else to say. */
  readonly onChange: (key: string) => void
  readonly now: () => Date
}

const notInstalled = (why: string): RunTrouble => ({
  reason: 'NotInstalled',
  message: `${scheduleField}: this installation does not run the checks by itself: ${why}. Set isolationVerify.enabled in the values of the installation, or take the schedule out`,
})

/** What a refusal means; undefined: the error is none. */
const troubleOf = (error: unknown): RunTrouble | undefined => {
  if (hasCode(error, 'KUBE_FORBIDDEN')) return notInstalled(explainError(error))
  // Kubernetes knows a little less of cron than Berth does: 7 is no day of its weeks.
  if (hasCode(error, 'KUBE_INVALID')) return { reason: 'ScheduleInvalid', message: `${scheduleField}: ${explainError(error)}` }
  return undefined
}

/** What came of one look. */
interface Look {
  /** By UID of the tenant. */
  readonly troubles: ReadonlyMap<string, RunTrouble>
  /** What may be over the next time. */
  readonly failures: readonly unknown[]
}

/**
 * Keeps a CronJob for each tenant with a schedule, and no other. No owner goes across namespaces, so all are compared with all tenants each time: what went while no
 * manager ran is found as well.
 */
export const createIsolationRuns = ({ kube, image, registry, tenants, onChange, now }: RunsOptions): IsolationRuns => {
  /** By UID: what came of the last look. */
  let known: ReadonlyMap<string, RunTrouble> = new Map()

  const tell = (troubles: ReadonlyMap<string, RunTrouble>): void => {
    const before = known
    known = troubles
    for (const tenant of tenants()) {
      const { uid = '' } = tenant.metadata
      if (before.get(uid)?.message !== troubles.get(uid)?.message) onChange(objectKey(tenant))
    }
  }

  /** Why there is nobody to run as; undefined: there is. */
  const missing = async (signal: AbortSignal): Promise<RunTrouble | undefined> => {
    const account = await kube.get(serviceAccounts, { name: isolationVerifyAccount, namespace: systemNamespace }, { signal })
    return account ? undefined : notInstalled(`there is no ServiceAccount ${isolationVerifyAccount} in ${systemNamespace}`)
  }

  /** Makes those of one type the wanted ones; errors by the key of the object. One that fails is no reason to leave out the others. */
  const keep = async (
    type: ResourceType,
    wanted: readonly KubeObject[],
    { signal, ...which }: ListOptions & { readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<string, unknown>> => {
    const errors = new Map<string, unknown>()
    const tried = async (object: KubeObject, act: () => Promise<unknown>): Promise<void> => {
      await act().catch((error: unknown) => {
        signal.throwIfAborted()
        errors.set(objectKey(object), error)
      })
    }
    const { items } = await kube.list(type, { ...which, signal })
    for (const object of surplus(items, wanted)) {
      const { name = '', namespace = '', uid = '' } = object.metadata
      // A run that is under way goes too: it has nothing more to look at.
      await tried(object, () => kube.delete(type, { name, namespace }, { uid, propagationPolicy: 'Background', signal }))
    }
    const liveOf = new Map(items.map((item) => [objectKey(item), item]))
    for (const object of wanted)
      await tried(object, () => applyUnlessCovered(object, liveOf.get(objectKey(object)), { kube, signal }))
    return errors
  }

  const look = async (signal: AbortSignal): Promise<Look> => {
    const at = now()
    const due = tenants()
      .map(inForce)
      .flatMap((tenant) => {
        const schedule = scheduleOf(tenant)
        if (schedule === undefined || image === undefined || tenant.metadata.deletionTimestamp) return []
        if (runTrouble(tenant, { image, now: at })) return []
        const { uid = '', namespace = '' } = tenant.metadata
        return [{ uid, runs: runsOf(tenant, schedule, { image, registry }), grant: grantOf(namespace) }]
      })
    const all = (trouble: RunTrouble): Look => ({
      troubles: new Map(due.map(({ uid }) => [uid, trouble])),
      failures: [],
    })
    try {
      const absent = await missing(signal)
      const runs = absent ? [] : due.map((each) => each.runs)
      const errors = await keep(cronJobs, runs, { namespace: systemNamespace, labelSelector: isolationVerifyLabel, signal })
      // Without the option its grants grant nothing, and the manager may not look for them.
      if (absent) return { ...all(absent), failures: [...errors.values()] }
      const grants = new Map(due.map(({ grant }) => [objectKey(grant), grant]))
      const ofGrants = await keep(roleBindings, [...grants.values()], { labelSelector: grantSelector, signal })
      const troubles = due.flatMap(({ uid, ...made }) => {
        const trouble = troubleOf(errors.get(objectKey(made.runs))) ?? troubleOf(ofGrants.get(objectKey(made.grant)))
        return trouble ? [[uid, trouble] as const] : []
      })
      const failures = [...errors.values(), ...ofGrants.values()].filter((error) => troubleOf(error) === undefined)
      return { troubles: new Map(troubles), failures }
    } catch (error) {
      const trouble = hasCode(error, 'KUBE_FORBIDDEN') ? troubleOf(error) : undefined
      if (!trouble) throw error
      return all(trouble)
    }
  }

  return {
    trouble: (tenant) => {
      if (scheduleOf(tenant) === undefined) return undefined
      return runTrouble(tenant, { image, now: now() }) ?? known.get(tenant.metadata.uid ?? '')
    },
    reconcile: async (signal) => {
      const { troubles, failures } = await look(signal)
      tell(troubles)
      if (failures.length > 0) throw failures[0]
      return { kind: 'wait', reason: 'Kept', retryAfterMs: troubles.size > 0 ? lookAgainMs : lookMs }
    },
  }
}
