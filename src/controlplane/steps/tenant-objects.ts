import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { webhookRefusal, webhookRemedy } from '../../kube/webhook-refusal.ts'
import { hasCode } from '../../lib/errors.ts'
import { slicesOf } from '../../tenancy/slices.ts'
import { allOf, applyKeepingEdits, applyUnlessCovered, hashOf, typeOf } from '../apply.ts'
import { coreDns, coreDnsConfig, dnsServiceName } from '../components/core-dns.ts'
import { notInForce } from '../components/not-in-force.ts'
import { serviceRanges } from '../components/service-ranges.ts'
import { tenantRbac } from '../components/tenant-rbac.ts'
import { bootstrapUser } from '../names.ts'
import type { Step } from '../steps.ts'
import { wakeOf } from './serving.ts'

/** What Berth puts into a tenant: roles, warnings, Service ranges and DNS. All but DNS is put back when edited; DNS is the tenant's to edit. */
export const tenantObjects: Step = {
  name: 'objects in the tenant',
  needs: ['API server'],
  async run({ tenant, plane, roots, ref, now }, { tenantClients, signal }) {
    const ours = [...serviceRanges(slicesOf(tenant.status)), ...tenantRbac(plane.spec.sync.customKinds), ...notInForce(plane)]
    const theirs = [...coreDns(plane), coreDnsConfig(plane)]
    const hash = hashOf([ours, theirs, roots.authorities.cluster.cert])
    const done = { kind: 'done', reason: 'Applied', message: 'roles, warnings and DNS are in the tenant' } as const
    const kube = await tenantClients.bootstrap(plane, roots, now)
    const liveOf = (object: KubeObject) => kube.get(typeOf(object), { name: '', ...object.metadata }, { signal })
    if (tenantClients.isSettled(ref.uid, hash, now)) {
      // Without one of these the tenant is not synced, or its administrators are shut out: that is not to wait until all of it is looked at again.
      const bindings = ours.filter(({ kind }) => kind === 'ClusterRoleBinding')
      const live = await allOf(bindings.map(liveOf))
      if (live.every((binding) => binding !== undefined)) return done
    }
    try {
      await allOf([
        ...ours.map(async (object) => applyUnlessCovered(object, await liveOf(object), { kube, signal })),
        ...theirs.map(async (object) => applyKeepingEdits(object, await liveOf(object), { kube, signal })),
      ])
    } catch (error) {
      const refusal = webhookRefusal(error)
      if (refusal) {
        const message = `webhook ${refusal.webhook} of the tenant keeps Berth from keeping roles, warnings and DNS there: ${webhookRemedy(refusal, bootstrapUser)}`
        return { kind: 'wait', reason: 'WebhookRefuses', message, problem: true, retryAfterMs: 5000 }
      }
      // A new API server answers before it has made kube-system.
      if (hasCode(error, 'KUBE_NOT_FOUND')) {
        return { kind: 'wait', reason: 'Starting', message: 'kube-system is not there yet', retryAfterMs: 100 }
      }
      throw error
    }
    tenantClients.settled(ref.uid, hash, now)
    return done
  },
}

interface EndpointSlice {
  endpoints?: { conditions?: { ready?: boolean } }[]
}

/** After a pause, DNS that does not answer is news from then on. */
const wakingMs = 60_000

/** DNS in the tenant has a pod that answers. */
export const dns: Step = {
  name: 'DNS',
  condition: 'DNSReady',
  needs: ['objects in the tenant'],
  async run({ plane, roots, ref, now, tenant }, { tenantClients, signal }) {
    const kube = await tenantClients.bootstrap(plane, roots, now)
    const labelSelector = `kubernetes.io/service-name=${dnsServiceName}`
    const { items } = await kube.list(resourceTypes.endpointSlices, { namespace: 'kube-system', labelSelector, signal })
    const ready = items.flatMap((slice) => (slice as EndpointSlice).endpoints ?? []).filter(({ conditions }) => conditions?.ready)
    if (ready.length > 0) return { kind: 'done', reason: 'Serving', message: `${ready.length} DNS pod(s) serve` }
    // Its pods begin anew after a hibernation.
    const isWaking = now.getTime() - wakeOf(tenant, now) < wakingMs
    const wasReady = tenant.status?.timings?.['DNSReady'] !== undefined && !isWaking
    // Perhaps somebody deleted it: what is missing is made again with the next round.
    if (wasReady) tenantClients.unsettle(ref.uid)
    return {
      kind: 'wait',
      reason: wasReady ? 'NoEndpoint' : 'Starting',
      message: 'no pod of kube-system/coredns is ready in the tenant; look at it with the kubeconfig of the tenant',
      retryAfterMs: wasReady ? 5000 : 250,
      problem: wasReady,
    }
  },
}
