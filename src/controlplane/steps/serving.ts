import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { explainError } from '../../lib/errors.ts'
import { type Hibernation, hasWoken } from '../../tenancy/hibernation.ts'
import { frozenAnnotation, refusedAnnotation, tenantLabel } from '../../tenancy/marks.ts'
import { tenantEndpoint } from '../endpoints.ts'
import { syncerLease, syncerSilenceMs } from '../names.ts'
import { hibernationOf } from '../observe.ts'
import { adminKubeconfig } from '../pki/files.ts'
import { type Step, type StepOutcome, superAway } from '../steps.ts'
import { adminClient } from './foundation.ts'
import { pauseRefusalOf } from './pause.ts'

/** Milliseconds since the epoch at which a pause or a restore ended: now, while the status still says that it is paused; 0 without either. */
export const wakeOf = ({ status }: TenantControlPlane, now: Date): number => {
  const restored = Date.parse(status?.restore?.loadedAt ?? '') || 0
  const paused = status?.conditions?.find(({ type }) => type === 'Paused')
  if (!paused) return restored
  return paused.status === 'True' ? now.getTime() : Math.max(restored, Date.parse(paused.lastTransitionTime))
}

/** What the syncer that serves a tenant does for it. */
const served = ({ metadata }: TenantControlPlane, hibernation: Hibernation | undefined, hibernates: boolean): StepOutcome => {
  if (hibernates) {
    const left = hibernation?.phase === 'ending' ? ` (${hibernation.left} left)` : ''
    const message = `the tenant goes to sleep: its pods in super end${left}. kubectl get pods -A -l ${tenantLabel}=${metadata.uid} shows them`
    return { kind: 'wait', reason: 'Hibernating', message, retryAfterMs: 500 }
  }
  if (hasWoken(hibernation)) return { kind: 'done', reason: 'Serving', message: 'the syncer serves this tenant' }
  const left = hibernation?.phase === 'waking' ? ` (${hibernation.left} left)` : ''
  const message = `the tenant wakes: its pods are made anew in super${left}`
  return { kind: 'wait', reason: 'Waking', message, retryAfterMs: 500 }
}

/** The syncer says by its Lease that it serves this tenant. */
export const sync: Step = {
  name: 'syncer',
  condition: 'SyncReady',
  needs: ['API server'],
  async run({ observed, now, tenant, plane, superTrouble }) {
    // Before what the syncer says: it is silent for that very reason, or does not know yet.
    if (superTrouble !== undefined) return superAway(superTrouble)
    const frozen = observed.syncerLease?.metadata.annotations?.[frozenAnnotation]
    if (frozen) {
      const message = `syncing is frozen: ${frozen}. Look at the tenant, then say so with \`berth tenant resume-sync ${tenant.metadata.name}\``
      return { kind: 'wait', reason: 'Frozen', message, retryAfterMs: 5000, problem: true }
    }
    const renewed = Date.parse(observed.syncerLease?.spec?.renewTime ?? '')
    const silentMs = now.getTime() - renewed
    const wokenAt = wakeOf(tenant, now)
    if (renewed < wokenAt && now.getTime() - wokenAt < syncerSilenceMs) {
      const message = 'the tenant was at rest; waits for the syncer to take it up again'
      return { kind: 'wait', reason: 'Starting', message, retryAfterMs: 500 }
    }
    const refused = observed.syncerLease?.metadata.annotations?.[refusedAnnotation]
    if (silentMs < syncerSilenceMs && refused !== undefined) {
      return { kind: 'wait', reason: 'WebhookRefuses', message: refused.slice(0, 4000), retryAfterMs: 5000, problem: true }
    }
    if (silentMs < syncerSilenceMs) {
      const hibernates = tenant.spec.state === 'Hibernated' && pauseRefusalOf({ tenant, plane }) === undefined
      return served(tenant, hibernationOf(observed.syncerLease), hibernates)
    }
    if (Number.isNaN(silentMs)) {
      const lease = `Lease ${tenant.status?.controlPlaneNamespace}/${syncerLease}`
      const message = `no syncer has taken this tenant up (${lease} is not there). Check the pods of berth-syncer`
      return { kind: 'wait', reason: 'NoSyncer', message, retryAfterMs: 1000 }
    }
    // A time, not an age: the message must not change with each look.
    const last = new Date(renewed).toISOString()
    const message = `the syncer said last at ${last} that it serves this tenant. Check the pods of berth-syncer`
    return { kind: 'wait', reason: 'SyncerSilent', message, retryAfterMs: 2000, problem: true }
  },
}

/** A real request with the published credentials, for what every pod needs: the `default` ServiceAccount. */
export const usable: Step = {
  name: 'a request with the published kubeconfig',
  needs: ['kubeconfig', 'API server', 'objects in the tenant'],
  async run(round, { tenantClients, signal }) {
    const { plane, roots, keys, ref } = round
    // With what was published, at the address that the manager can always reach: a node port or a load balancer may be out of its sight.
    const text = adminKubeconfig({ tenant: ref, server: tenantEndpoint(plane) }, roots, adminClient(keys))
    const client = tenantClients.published(ref.uid, text)
    try {
      const account = await client.get(
        resourceTypes.serviceAccounts,
        { name: 'default', namespace: 'default' },
        { signal, timeoutMs: 5000 },
      )
      if (account) return { kind: 'done', reason: 'Usable', message: 'the tenant answers with the published kubeconfig' }
      const message = 'the controller manager has not made the ServiceAccount default/default yet'
      return { kind: 'wait', reason: 'NoServiceAccount', message, retryAfterMs: 200 }
    } catch (error) {
      const message = `a request with the published kubeconfig failed: ${explainError(error)}`
      return { kind: 'wait', reason: 'RequestFailed', message, retryAfterMs: 300 }
    }
  },
}
