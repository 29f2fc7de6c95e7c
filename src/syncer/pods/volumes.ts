import { podSecretName, superConfigName } from '../../tenancy/names.ts'
import { superDownwardItems } from './downward.ts'
import { superRef } from './env.ts'
import type { V1ProjectedVolumeSource, V1Volume, V1VolumeProjection } from './json-types.ts'
import type { Pod } from './pod.ts'
import { certificatePartKey, certificateParts } from './secret-sources.ts'
import { tokenKey, tokenMode } from './tokens.ts'

/** Volume sources that name a Secret, and the field that holds the reference `{ name }`. */
export const secretRefFields = {
  cephfs: 'secretRef',
  cinder: 'secretRef',
  csi: 'nodePublishSecretRef',
  flexVolume: 'secretRef',
  iscsi: 'secretRef',
  rbd: 'secretRef',
  scaleIO: 'secretRef',
  storageos: 'secretRef',
} as const satisfies Partial<Record<keyof V1Volume, string>>

type Source = Readonly<Record<string, unknown>> & { readonly [field: string]: unknown }

/** Name of the claim that the tenant's controllers make for an ephemeral volume (KEP-1698). */
export const ephemeralClaimName = (podName: string, volume: string): string => `${podName}-${volume}`

const superProjection = (
  source: V1VolumeProjection,
  index: number,
  { volume, pod }: { volume: V1Volume; pod: Pod },
): V1VolumeProjection => {
  const { serviceAccountToken, clusterTrustBundle, podCertificate, configMap, secret, downwardAPI } = source
  const { name = '', uid = '' } = pod.metadata
  const key = tokenKey(volume.name, index)
  const mode = tokenMode(volume.projected?.defaultMode, pod)
  // `user` is newer than the client library's types (KEP-5607).
  const item = (itemKey: string, path: string, { user }: { readonly path?: string; readonly user?: number }) => ({
    key: itemKey,
    path,
    ...(mode !== undefined && { mode }),
    ...(user !== undefined && { user }),
  })
  if (serviceAccountToken)
    return {
      secret: { name: podSecretName(name, uid, 'token'), items: [item(key, serviceAccountToken.path, serviceAccountToken)] },
    }
  if (clusterTrustBundle)
    return {
      secret: { name: podSecretName(name, uid, 'trust'), items: [item(key, clusterTrustBundle.path, clusterTrustBundle)] },
    }
  if (podCertificate) {
    const items = Object.entries(certificateParts).flatMap(([field, part]) => {
      const path = podCertificate[field as keyof typeof certificateParts]
      return path ? [item(certificatePartKey(key, part), path, podCertificate as { readonly user?: number })] : []
    })
    return { secret: { name: podSecretName(name, uid, 'cert'), items } }
  }
  return {
    ...source,
    ...(configMap && { configMap: superRef(configMap) }),
    ...(secret && { secret: superRef(secret) }),
    ...(downwardAPI && { downwardAPI: { ...downwardAPI, items: superDownwardItems(downwardAPI.items ?? [], pod) } }),
  }
}

const superProjected = (projected: V1ProjectedVolumeSource, volume: V1Volume, pod: Pod): V1ProjectedVolumeSource => ({
  ...projected,
  sources: (projected.sources ?? []).map((source, index) => superProjection(source, index, { volume, pod })),
})

const withSecretRef = (source: Source, field: string): Source => {
  const ref = source[field] as { name?: string } | null | undefined
  return ref ? { ...source, [field]: superRef(ref) } : source
}

/** A volume as super mounts it: the same content, found under super's names. */
export const superVolume = (volume: V1Volume, pod: Pod): V1Volume => {
  const { configMap, secret, projected, downwardAPI, ephemeral, azureFile, ...rest } = volume
  if (ephemeral) {
    // The tenant's controllers have made the claim; with an ephemeral volume super's would make a second one.
    return { ...rest, persistentVolumeClaim: { claimName: ephemeralClaimName(pod.metadata.name ?? '', volume.name) } }
  }
  const withSecrets = Object.fromEntries(
    Object.entries(secretRefFields)
      .filter(([source]) => rest[source as keyof typeof secretRefFields])
      .map(([source, field]) => [
        source,
        withSecretRef(rest[source as keyof typeof secretRefFields] as unknown as Source, field),
      ]),
  )
  return {
    ...rest,
    ...withSecrets,
    ...(configMap && { configMap: superRef(configMap) }),
    ...(secret && {
      secret: secret.secretName === undefined ? secret : { ...secret, secretName: superConfigName(secret.secretName) },
    }),
    ...(azureFile && { azureFile: { ...azureFile, secretName: superConfigName(azureFile.secretName) } }),
    ...(downwardAPI && { downwardAPI: { ...downwardAPI, items: superDownwardItems(downwardAPI.items ?? [], pod) } }),
    ...(projected && { projected: superProjected(projected, volume, pod) }),
  }
}
