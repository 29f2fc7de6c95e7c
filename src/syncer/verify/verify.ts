import { setTimeout as sleep } from 'node:timers/promises'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { hasWoken } from '../../tenancy/hibernation.ts'
import { readSyncRecord } from '../lease.ts'
import { viewOf } from '../own-nodes.ts'
import type { TenantSource } from '../tenant-source.ts'
import { compareSides } from './compare.ts'
import { type SettledReport, settle } from './settle.ts'
import { objectsOf, takeSnapshot } from './snapshot.ts'
import { checkSuper, classesIn, readSource } from './source.ts'

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
      const classes = classesIn(snapshot.superSide, source)
      const nodes = viewOf(objectsOf(snapshot.tenant, resourceTypes.nodes))
      return compareSides(snapshot, { ctx: { ...source.ctx, classes, nodes }, nodeSelector: source.nodeSelector })
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
