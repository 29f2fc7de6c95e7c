import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { reservationsAnnotation } from '../tenancy/marks.ts'
import type { ApiDeps } from './deps.ts'
import { isOrganization, quotaOf } from './organization.ts'
import { hasExpired, type Reservations, readReservations, reservedNames, seenVersion, withReservation } from './reservations.ts'

const { namespaces, tenantControlPlanes } = resourceTypes
const deadlineMs = 20_000

/** Places of tenants under the quota of their organisation. */
export interface Reserver {
  /**
   * Takes a place for a tenant that is about to be made. Throws QUOTA_EXCEEDED, ORGANIZATION_NOT_FOUND, or STATE_CONFLICT when the organisation goes or so
   * many ask at once that it cannot be decided in time.
   */
  readonly reserve: (organization: string, name: string) => Promise<void>
  /** Gives a place back that nothing came of. What fails is let be: it comes back by itself after two minutes. */
  readonly release: (organization: string, name: string) => Promise<void>
}

interface Asked {
  readonly name: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const versions = (tenants: readonly KubeObject[]): ReadonlyMap<string, number> =>
  new Map(tenants.map(({ metadata }) => [metadata.name ?? '', Number(metadata.resourceVersion)]))

/** So many reservations are kept without a look at the tenants that have come of them. */
const keptUnseen = 100

/**
 * Who of this process asks for the same organisation waits for those before, and all who wait are served by one change; other processes are told apart by the
 * version of the namespace.
 */
export const createReserver = ({ kube, caches, now }: Pick<ApiDeps, 'kube' | 'caches' | 'now'>): Reserver => {
  const last = new Map<string, Promise<unknown>>()
  const waiting = new Map<string, Asked[]>()
  const inTurn = <T>(organization: string, work: () => Promise<T>): Promise<T> => {
    const mine = (last.get(organization) ?? Promise.resolve()).then(work, work)
    last.set(organization, mine)
    const leave = () => {
      if (last.get(organization) === mine) last.delete(organization)
    }
    mine.then(leave, leave)
    return mine
  }

  /**
   * Changes the reservations as they are, again and again while others do so at the same time. It begins with the copy in the cache, as a change is written to
   * the version that was read and to no other. `changeOf` gives undefined when nothing is to be written: for a copy the namespace itself is then looked at.
   */
  const change = async (
    organization: string,
    changeOf: (reserved: Reservations, namespace: KubeObject, isCopy: boolean) => Promise<Reservations | undefined>,
  ): Promise<void> => {
    const end = now() + deadlineMs
    for (let attempt = 0; ; attempt += 1) {
      const copy = attempt === 0 ? caches.organization(organization) : undefined
      const namespace = copy ?? (await kube.get<KubeObject>(namespaces, { name: organization }))
      if (!namespace || !isOrganization(namespace))
        throw new AppError('ORGANIZATION_NOT_FOUND', `there is no organisation ${organization}`, {})
      if (namespace.metadata.deletionTimestamp)
        throw new AppError('STATE_CONFLICT', `organisation ${organization} is being deleted`, {})
      const { annotations, resourceVersion, uid } = namespace.metadata
      const reserved = await changeOf(readReservations(annotations?.[reservationsAnnotation]), namespace, copy !== undefined)
      if (reserved === undefined) {
        if (copy) continue
        return
      }
      const metadata = { uid, resourceVersion, annotations: { [reservationsAnnotation]: JSON.stringify(reserved) } }
      try {
        caches.observe.organization(
          await kube.patch<KubeObject>(namespaces, { name: organization }, { metadata }, { type: 'merge' }),
        )
        return
      } catch (error) {
        // Changed since it was read, or gone: then it is read again.
        if (!hasCode(error, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND') || now() > end) throw error
      }
      // That a copy was old says nothing of how many are at it.
      if (!copy) await sleep(Math.random() * Math.min(500, 10 * 2 ** attempt))
    }
  }

  /** After the reservations: a tenant whose reservation is gone by now must be among them. */
  const tenantsOf = async (organization: string): Promise<ReadonlyMap<string, number>> => {
    const { items } = await kube.list(tenantControlPlanes, { namespace: organization, metadataOnly: true })
    return versions(items)
  }

  /** The tenants as this process has them, when that is as good as asking: all are there whose names have left the reservations. */
  const copiedTenants = (organization: string, reserved: Reservations): ReadonlyMap<string, number> | undefined => {
    const seen = seenVersion(reserved)
    const position = Number(caches.tenantsPosition())
    if (seen === undefined || !(position >= seen) || hasExpired(reserved, now())) return undefined
    return versions(caches.tenants(organization))
  }

  /** Takes a place for each that asked, in their order; those who get none are told why. */
  const reserveAll = async (organization: string, asked: readonly Asked[]): Promise<void> => {
    const refusals = new Map<Asked, unknown>()
    try {
      await change(organization, async (reserved, namespace, isCopy) => {
        refusals.clear()
        const quota = quotaOf(namespace)
        const isCounted = quota.tenants !== undefined || reservedNames(reserved).length > keptUnseen
        const copied = isCopy ? copiedTenants(organization, reserved) : undefined
        const tenants = isCounted ? (copied ?? (await tenantsOf(organization))) : undefined
        let all = reserved
        for (const one of asked) {
          try {
            all = withReservation({ name: one.name, reserved: all, tenants, quota, now: now() })
          } catch (error) {
            refusals.set(one, error)
          }
        }
        // Nobody is refused for what a copy says: there may be more places by now.
        const isVain = refusals.size > 0 && (isCopy || refusals.size === asked.length)
        return isVain ? undefined : all
      })
      for (const one of asked) {
        const refusal = refusals.get(one)
        if (refusal === undefined) one.resolve()
        else one.reject(refusal)
      }
    } catch (error) {
      for (const one of asked) one.reject(error)
    }
  }

  return {
    reserve: (organization, name) =>
      new Promise((resolve, reject) => {
        const one: Asked = { name, resolve, reject }
        const others = waiting.get(organization)
        if (others) {
          others.push(one)
          return
        }
        const asked = [one]
        waiting.set(organization, asked)
        void inTurn(organization, () => {
          waiting.delete(organization)
          return reserveAll(organization, asked)
        })
      }),
    release: (organization, name) =>
      inTurn(organization, () =>
        change(organization, async (reserved) => Object.fromEntries(Object.entries(reserved).filter(([of]) => of !== name))),
      ).catch(() => {}),
  }
}
