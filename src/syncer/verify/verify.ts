import { setTimeout as sleep } from 'node:timers/promises'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { hasWoken } from '../../tenancy/hibernation.ts'
import { readSyncRecord } from '../lease.ts'
import { networksOfFences } from '../network/fences.ts'
import { policiesOf } from '../network/openness.ts'
import type { TenantSource } from '../tenant-source.ts'
import { readClaims } from './claims.ts'
import { compareSides } from './compare.ts'
import { type SettledReport, settle } from './settle.ts'
import { objectsOf, takeSnapshot } from './snapshot.ts'
import { checkSuper, classesIn, nodesIn, readSource } from './source.ts'

export interface VerifyRequest {
  /** Name and namespace of the TenantControlPlane. */
  readonly name: string
  readonly namespace: string
  readonly rounds: number
  readonly everyMs: number
  readonly settleMs: number
  readonly signal: AbortSignal
  readonly onRound?: (round: number, differences: number) => void
}

export interface VerifyDeps {
  readonly management: KubeClient
  readonly superClient: KubeClient
  /** A client of the tenant from a kubeconfig's text; closed here. */
  readonly connect: (kubeconfig: string) => KubeClient
}

export interface VerifyReport extends SettledReport {
  readonly tenant: TenantSource['tenant']
  /** Why the syncer has stopped for this tenant, if it has. */
  readonly frozen: string | undefined
}

/** Reads both sides of a tenant until they have come to rest, and tells every difference that stands. Changes nothing. */
export const verifyTenant = async (request: VerifyRequest, deps: VerifyDeps): Promise<VerifyReport> => {
  const { rounds, everyMs, settleMs, signal, onRound } = request
  const source = await readSource(request, deps)
  await checkSuper(request, deps)
  const { hibernation } = await readSyncRecord(deps.management, source.controlPlaneNamespace)
  if (!hasWoken(hibernation)) {
    const text = `tenant ${source.tenant.name} cannot be compared: its pods are being put to sleep or made anew (${hibernation?.left ?? 0} left)`
    throw new AppError('TENANT_UNREACHABLE', text, {})
  }
  const tenantClient = deps.connect(source.kubeconfig)
  try {
    const look = async () => {
      const snapshot = await takeSnapshot(source.ctx, { tenantClient, superClient: deps.superClient, signal, now: Date.now })
      const claims = await readClaims(source.tenant.uid, { superClient: deps.superClient, signal })
      const classes = classesIn(snapshot.superSide, source)
      const nodes = nodesIn(snapshot.tenant, snapshot.superSide, source)
      const policies = policiesOf(objectsOf(snapshot.tenant, resourceTypes.networkPolicies))
      const networks = networksOfFences(objectsOf(snapshot.superSide, resourceTypes.networkPolicies))
      const ctx = { ...source.ctx, ...networks, ...claims, classes, nodes, policies }
      return compareSides(snapshot, { ctx, nodeSelector: source.nodeSelector })
    }
    const report = await settle(look, {
      rounds,
      everyMs,
      settleMs,
      now: Date.now,
      ...(onRound && { onRound }),
      pause: async (ms) => {
        await sleep(ms, undefined, { signal })
      },
    })
    const { frozen } = await readSyncRecord(deps.management, source.controlPlaneNamespace)
    return { ...report, tenant: source.tenant, frozen }
  } finally {
    await tenantClient.close()
  }
}
