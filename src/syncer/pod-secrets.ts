import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import {
  renewAtAnnotation,
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
  wantedHashAnnotation,
} from '../tenancy/marks.ts'
import { type PodSecretKind, podSecretKinds, podSecretName, superNamespace } from '../tenancy/names.ts'
import type { ConfigRecord } from './config-index.ts'
import { certificateMaker, forgetCertificates } from './pod-certificates.ts'
import type { SyncDeps } from './sides.ts'
import { tokenMaker } from './tokens.ts'
import { trustMaker } from './trust.ts'

type Deps = Pick<SyncDeps, 'tenant' | 'now'>

/** What a maker found. `againAfterMs`: when to look again; undefined: only when the pod changes. */
export type Made =
  | {
      readonly kind: 'content'
      /** Plain text by key. */
      readonly data: Readonly<Record<string, string>>
      /** Milliseconds since the epoch from which the content is due for renewal. */
      readonly renewAt: number
      /** Tells content apart that is compared instead of renewed. */
      readonly hash?: string
      readonly againAfterMs: number
    }
  | { readonly kind: 'unchanged'; readonly againAfterMs: number | undefined }

/** Makes the content of one Secret that goes with a pod. `record` is what is known of the one in super. */
export interface PodSecretMaker {
  readonly kind: PodSecretKind
  readonly isWanted: (pod: KubeObject) => boolean
  readonly make: (pod: KubeObject, record: ConfigRecord | undefined, deps: Deps) => Promise<Made>
}

const makers: readonly PodSecretMaker[] = [tokenMaker, trustMaker, certificateMaker]

const ensureOne = async ({ kind, make }: PodSecretMaker, pod: KubeObject, deps: Deps): Promise<number | undefined> => {
  const { tenant } = deps
  const { name = '', uid = '', namespace = '' } = pod.metadata
  const superNs = superNamespace(tenant.ctx.tenant, namespace)
  const secretName = podSecretName(name, uid, kind)
  const record = (await tenant.config.of(superNs)).get(`secrets/${secretName}`)
  const made = await make(pod, record, deps)
  if (made.kind === 'unchanged') return made.againAfterMs
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName,
      namespace: superNs,
      labels: { [tenantLabel]: tenant.ctx.tenant.uid },
      annotations: {
        [tenantNamespaceAnnotation]: namespace,
        [tenantNameAnnotation]: name,
        [tenantObjectUidAnnotation]: uid,
        [renewAtAnnotation]: new Date(made.renewAt).toISOString(),
        ...(made.hash !== undefined && { [wantedHashAnnotation]: made.hash }),
      },
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(made.data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  }
  const written = record
    ? await tenant.superClient.replace(resourceTypes.secrets, secret)
    : await tenant.superClient.create(resourceTypes.secrets, secret).catch(async (error: unknown) => {
        // Written by a process that ended before it could note it down.
        if (hasCode(error, 'KUBE_ALREADY_EXISTS')) return tenant.superClient.replace(resourceTypes.secrets, secret)
        throw error
      })
  tenant.config.wrote(resourceTypes.secrets, written)
  return made.againAfterMs
}

/**
 * Sees to it that the Secrets that go with a pod are in super and not due for renewal. Returns the milliseconds until they are to be looked at again, or
 * undefined for a pod that needs none.
 */
export const ensurePodSecrets = async (pod: KubeObject, deps: Deps): Promise<number | undefined> => {
  const again = await Promise.all(makers.filter(({ isWanted }) => isWanted(pod)).map((maker) => ensureOne(maker, pod, deps)))
  const times = again.filter((time) => time !== undefined)
  return times.length > 0 ? Math.min(...times) : undefined
}

/** Removes the Secrets of a pod that is gone from both sides. */
export const dropPodSecrets = async (
  pod: { readonly name: string; readonly uid: string; readonly namespace: string },
  { tenant }: Pick<SyncDeps, 'tenant'>,
): Promise<void> => {
  forgetCertificates(pod.uid, tenant)
  const superNs = superNamespace(tenant.ctx.tenant, pod.namespace)
  const records = await tenant.config.of(superNs)
  for (const kind of podSecretKinds) {
    const name = podSecretName(pod.name, pod.uid, kind)
    const record = records.get(`secrets/${name}`)
    if (!record) continue
    await tenant.superClient
      .delete(resourceTypes.secrets, { name, namespace: superNs }, { uid: record.uid })
      .catch((error: unknown) => {
        // Its namespace may be on the way out already, with the right to delete in it.
        if (!hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_CONFLICT')) throw error
      })
    tenant.config.deleted(resourceTypes.secrets, { name, namespace: superNs })
  }
}
