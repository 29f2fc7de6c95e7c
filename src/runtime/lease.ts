import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasCode } from '../lib/errors.ts'

/** coordination.k8s.io/v1 Lease, as far as holding one needs it. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

export interface LeaseRef {
  readonly namespace: string
  readonly name: string
}

/** A Lease and since when, by our own clock, it has looked like this: clocks of other machines are not believed. */
export interface ObservedLease {
  readonly lease: Lease
  /** Monotonic ms. */
  readonly since: number
}

/** Keeps `since` while holder and renew time stay. */
export const observeLease = (before: ObservedLease | undefined, lease: Lease, now: number): ObservedLease => {
  const same =
    before !== undefined &&
    before.lease.metadata.uid === lease.metadata.uid &&
    before.lease.spec?.holderIdentity === lease.spec?.holderIdentity &&
    before.lease.spec?.renewTime === lease.spec?.renewTime &&
    before.lease.spec?.leaseTransitions === lease.spec?.leaseTransitions
  return { lease, since: same ? before.since : now }
}

/** True when a holder has not renewed for the whole duration that it promised itself. */
export const isExpired = ({ lease, since }: ObservedLease, now: number): boolean =>
  !lease.spec?.holderIdentity || now - since > (lease.spec.leaseDurationSeconds ?? 15) * 1000

/** MicroTime: RFC 3339 with six digits. */
export const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z')

export interface LeaseClaim {
  readonly identity: string
  readonly durationSeconds: number
  readonly labels?: Readonly<Record<string, string>>
}

/** What to write to take or keep a Lease; undefined when another one holds it. */
export const claimLease = (
  observed: ObservedLease | undefined,
  claim: LeaseClaim,
  clock: { now: number; date: Date },
): Lease['spec'] | undefined => {
  const { identity, durationSeconds } = claim
  const renewTime = microTime(clock.date)
  const spec = observed?.lease.spec
  if (observed && spec?.holderIdentity === identity) return { ...spec, renewTime, leaseDurationSeconds: durationSeconds }
  if (observed && !isExpired(observed, clock.now)) return undefined
  const leaseTransitions = (spec?.leaseTransitions ?? 0) + (spec ? 1 : 0)
  return { holderIdentity: identity, leaseDurationSeconds: durationSeconds, acquireTime: renewTime, renewTime, leaseTransitions }
}

/** Holds one Lease by hand: a try at a time. Each write is guarded by the resourceVersion that was read. */
export interface LeaseHolder {
  /** Reads, and takes or renews. False when another one holds it or was quicker. Throws what the API server says otherwise. */
  tryHold(signal?: AbortSignal): Promise<boolean>
  /** Gives it free if it is ours, so that the next one need not wait. */
  release(): Promise<void>
  /** Who holds it, as last seen. */
  holder(): string | undefined
}

export const createLeaseHolder = ({
  client,
  ref,
  claim,
}: {
  client: KubeClient
  ref: LeaseRef
  claim: LeaseClaim
}): LeaseHolder => {
  const callMs = Math.max(1000, (claim.durationSeconds * 1000) / 3)
  let observed: ObservedLease | undefined
  let ours = false
  /** A claim was sent since the last release. Its answer may have been lost, so only the API server knows whether it was heard. */
  let claimed = false

  const read = async (signal?: AbortSignal): Promise<ObservedLease | undefined> => {
    const lease = await client.get<Lease>(resourceTypes.leases, ref, { timeoutMs: callMs, ...(signal && { signal }) })
    observed = lease ? observeLease(observed, lease, performance.now()) : undefined
    return observed
  }
  const write = async (spec: Lease['spec'], current: Lease | undefined, signal?: AbortSignal): Promise<void> => {
    const call = { timeoutMs: callMs, ...(signal && { signal }) }
    const metadata = current?.metadata ?? { ...ref, ...(claim.labels && { labels: { ...claim.labels } }) }
    const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: spec ?? {} }
    const written = await (current
      ? client.replace(resourceTypes.leases, lease, call)
      : client.create(resourceTypes.leases, lease, call))
    observed = observeLease(observed, written, performance.now())
  }

  return {
    tryHold: async (signal) => {
      // What we hold is renewed from memory: one call instead of two; a conflict sends us back to reading.
      const before = ours ? observed : await read(signal)
      const spec = claimLease(before, claim, { now: performance.now(), date: new Date() })
      if (!spec) {
        ours = false
        return false
      }
      claimed = true
      try {
        await write(spec, before?.lease, signal)
        ours = true
      } catch (error) {
        ours = false
        if (!hasCode(error, 'KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS', 'KUBE_NOT_FOUND')) throw error
      }
      return ours
    },
    release: async () => {
      if (!claimed) return
      claimed = false
      ours = false
      const lease = (await read())?.lease
      if (lease?.spec?.holderIdentity !== claim.identity) return
      try {
        await write({ ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(new Date()) }, lease)
      } catch (error) {
        if (!hasCode(error, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND')) throw error
      }
    },
    holder: () => observed?.lease.spec?.holderIdentity || undefined,
  }
}
