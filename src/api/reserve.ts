import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { reservationsAnnotation } from '../tenancy/marks.ts'
import type { ApiDeps } from './deps.ts'
import { isOrganization, quotaOf } from './organization.ts'
import { type Reservations, readReservations, withReservation } from './reservations.ts'

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

/** Who of this process asks for the same organisation waits for those before; other processes are told apart by the version of the namespace. */
export const createReserver = ({ kube, now }: Pick<ApiDeps, 'kube' | 'now'>): Reserver => {
  const last = new Map<string, Promise<unknown>>()
  const inTurn = <T>(organization: string, work: () => Promise<T>): Promise<T> => {
    const mine = (last.get(organization) ?? Promise.resolve()).then(work, work)
    last.set(organization, mine)
    const leave = () => {
      if (last.get(organization) === mine) last.delete(organization)
    }
    mine.then(leave, leave)
    return mine
  }

  /** Changes the reservations as they are, again and again while others do so at the same time. */
  const change = async (
    organization: string,
    changeOf: (reserved: Reservations, namespace: KubeObject) => Promise<Reservations>,
  ): Promise<void> => {
    const end = now() + deadlineMs
    for (let attempt = 0; ; attempt += 1) {
      const namespace = await kube.get<KubeObject>(namespaces, { name: organization })
      if (!namespace || !isOrganization(namespace))
        throw new AppError('ORGANIZATION_NOT_FOUND', `there is no organisation ${organization}`, {})
      if (namespace.metadata.deletionTimestamp)
        throw new AppError('STATE_CONFLICT', `organisation ${organization} is being deleted`, {})
      const { annotations, resourceVersion, uid } = namespace.metadata
      const reserved = await changeOf(readReservations(annotations?.[reservationsAnnotation]), namespace)
      const metadata = { uid, resourceVersion, annotations: { [reservationsAnnotation]: JSON.stringify(reserved) } }
      try {
        await kube.patch(namespaces, { name: organization }, { metadata }, { type: 'merge' })
        return
      } catch (error) {
        if (!hasCode(error, 'KUBE_CONFLICT') || now() > end) throw error
      }
      await sleep(Math.random() * Math.min(500, 10 * 2 ** attempt))
    }
  }

  return {
    reserve: (organization, name) =>
      inTurn(organization, () =>
        change(organization, async (reserved, namespace) => {
          // After the reservations, and not from the cache: a tenant whose reservation is gone by now must be among them.
          const { items } = await kube.list(tenantControlPlanes, { namespace: organization, metadataOnly: true })
          const tenants = new Set(items.map(({ metadata }) => metadata.name ?? ''))
          return withReservation({ name, reserved, tenants, quota: quotaOf(namespace), now: now() })
        }),
      ),
    release: (organization, name) =>
      inTurn(organization, () =>
        change(organization, async (reserved) => Object.fromEntries(Object.entries(reserved).filter(([of]) => of !== name))),
      ).catch(() => {}),
  }
}
