import type { KubeObject } from '../../apis/kube-object.ts'
import type { TokenSource } from '../resource.ts'
import type { V1Volume } from './json-types.ts'
import { allContainers, type Pod } from './pod.ts'

/** The API server's default of `expirationSeconds`. */
const defaultLifeSeconds = 3600

/** Key in the pod's token Secret for one source of one projected volume. Volume names have no dot, so no two sources share a key. */
export const tokenKey = (volume: string, sourceIndex: number): string => `${volume}.${sourceIndex}`

/** Every service-account token that the pod's projected volumes ask for, in order. */
export const tokenSources = (pod: KubeObject): readonly TokenSource[] =>
  (pod.spec.volumes ?? []).flatMap((volume: V1Volume) =>
    (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken }, index) =>
      serviceAccountToken
        ? [
            {
              key: tokenKey(volume.name, index),
              audience: serviceAccountToken.audience || undefined,
              expirationSeconds: serviceAccountToken.expirationSeconds ?? defaultLifeSeconds,
            },
          ]
        : [],
    ),
  )

/**
 * File mode of a token, when it must differ from the volume's. The kubelet gives a real token to the pod's user; a Secret's file belongs to root, so
 * where neither others nor a group may read it, a pod that does not run as root could not.
 */
export const tokenMode = (defaultMode: number | undefined, { spec }: Pod): number | undefined => {
  if (defaultMode === undefined || (defaultMode & 0o004) !== 0 || spec.securityContext?.fsGroup !== undefined) return undefined
  const users = new Set(
    allContainers(spec).map(({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser),
  )
  const [user] = users
  return users.size === 1 && user !== undefined && user !== 0 ? defaultMode | 0o444 : undefined
}
