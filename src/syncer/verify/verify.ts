import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { hasWoken } from '../../tenancy/hibernation.ts'
import { kubeconfigSecretName } from '../../tenancy/names.ts'
import { tenantClasses } from '../classes.ts'
import { readSyncRecord } from '../lease.ts'
import { viewOf } from '../own-nodes.ts'
import { type TenantSource, tenantSource } from '../tenant-source.ts'
import { compareSides } from './compare.ts'
import { type SettledReport, settle } from './settle.ts'
import { objectsOf, takeSnapshot } from './snapshot.ts'

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

const readerOf = (objects: readonly KubeObject[]) => ({
  get: (name: string) => objects.find(({ metadata }) => metadata.name === name),
  list: () => objects,
})

const readSource = async (
  { name, namespace, signal }: VerifyRequest,
  { management }: Pick<VerifyDeps, 'management'>,
): Promise<TenantSource> => {
  const plane = await management.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name, namespace }, { signal })
  if (!plane) throw new AppError('TENANT_NOT_FOUND', `there is no TenantControlPlane ${name} in namespace ${namespace}`, {})
  const readSecret = (ref: { name: string; namespace: string }): Promise<KubeObject | undefined> =>
    management.get(resourceTypes.secrets, ref, { signal })
  const { controlPlaneNamespace, superCluster } = plane.status ?? {}
  // Apart from super the syncer comes by a name that is known inside management only.
  const isForOutside = controlPlaneNamespace === undefined || superCluster?.isApart
  const secret =
    (isForOutside ? undefined : await readSecret({ name: 'syncer-kubeconfig', namespace: controlPlaneNamespace })) ??
    (await readSecret({ name: kubeconfigSecretName(name), namespace }))
  const source = tenantSource(plane, secret)
  if (source) return source
  const notReady = plane.status?.conditions?.find(({ type, status }) => type === 'APIServerReady' && status !== 'True')
  const why = plane.metadata.deletionTimestamp ? 'it is being deleted' : (notReady?.message ?? 'its control plane is not up yet')
  throw new AppError('TENANT_UNREACHABLE', `tenant ${name} cannot be compared: ${why}`, {})
}

/** Throws SUPER_MISMATCH: in another cluster everything would seem to be missing. */
const checkSuper = async ({ name, namespace, signal }: VerifyRequest, { management, superClient }: VerifyDeps): Promise<void> => {
  const [plane, system] = await Promise.all([
    management.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name, namespace }, { signal }),
    superClient.get(resourceTypes.namespaces, { name: 'kube-system' }, { signal }),
  ])
  const recorded = plane?.status?.superCluster
  if (recorded === undefined || recorded.uid === system?.metadata.uid) return
  const text = `the pods of tenant ${name} run in super cluster ${recorded.uid}, and this is ${system?.metadata.uid}: name the right one with --super-kubeconfig`
  throw new AppError('SUPER_MISMATCH', text, {})
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
      const classes = tenantClasses(source.classRules, (type) => readerOf(objectsOf(snapshot.superSide, type)))
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
