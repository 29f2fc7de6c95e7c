import type { KubeObject } from '../../apis/kube-object.ts'
import { type LabelSelector, selectorHolds } from '../../tenancy/label-selector.ts'
import type { V1Volume, V1VolumeProjection } from './json-types.ts'
import { tokenKey } from './tokens.ts'

/** Trust bundles of the tenant that one source of a projected volume asks for (KEP-3257). */
export interface TrustSource {
  /** Key in the pod's trust Secret. */
  readonly key: string
  readonly name?: string
  readonly signerName?: string
  /** Undefined matches nothing, empty matches everything. */
  readonly labelSelector?: LabelSelector
  /** An empty file when no bundle matches. */
  readonly optional: boolean
}

/** A certificate for the pod that one source of a projected volume asks for (KEP-4317). */
export interface CertificateSource {
  /** Start of the keys in the pod's certificate Secret. */
  readonly key: string
  readonly signerName: string
  readonly keyType: string
  readonly maxExpirationSeconds?: number
  readonly userAnnotations?: Readonly<Record<string, string>>
}

/** The parts of one certificate source, by the field that says where in the volume each goes. */
export const certificateParts = { credentialBundlePath: 'bundle', keyPath: 'key', certificateChainPath: 'chain' } as const

export const certificatePartKey = (key: string, part: (typeof certificateParts)[keyof typeof certificateParts]): string =>
  `${key}.${part}`

const sourcesOf = <T>(pod: KubeObject, pick: (source: V1VolumeProjection, key: string) => T | undefined): readonly T[] =>
  (pod.spec.volumes ?? []).flatMap((volume: V1Volume) =>
    (volume.projected?.sources ?? []).flatMap((source, index) => pick(source, tokenKey(volume.name, index)) ?? []),
  )

/** Every source of trust bundles in the pod's projected volumes, in order. */
export const trustSources = (pod: KubeObject): readonly TrustSource[] =>
  sourcesOf(pod, ({ clusterTrustBundle }, key) => {
    if (!clusterTrustBundle) return undefined
    const { name, signerName, labelSelector, optional } = clusterTrustBundle
    return {
      key,
      ...(name && { name }),
      ...(signerName && { signerName }),
      ...(labelSelector && { labelSelector: labelSelector as LabelSelector }),
      optional: optional === true,
    }
  })

/** Every certificate that the pod's projected volumes ask for, in order. */
export const certificateSources = (pod: KubeObject): readonly CertificateSource[] =>
  sourcesOf(pod, (source, key) => {
    const { podCertificate } = source as { readonly podCertificate?: Omit<CertificateSource, 'key'> }
    if (!podCertificate) return undefined
    const { signerName, keyType, maxExpirationSeconds, userAnnotations } = podCertificate
    return {
      key,
      signerName,
      keyType,
      ...(maxExpirationSeconds !== undefined && { maxExpirationSeconds }),
      ...(userAnnotations && { userAnnotations }),
    }
  })

const pemBlock = /-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----/g

/** The certificates of some bundles, each once, in an order that does not depend on the bundles' own: as a kubelet writes them. */
export const joinedBundles = (bundles: readonly string[]): string => {
  const contents = new Set(
    bundles.flatMap((bundle) => [...bundle.matchAll(pemBlock)].map(([, body = '']) => body.replaceAll(/\s/g, ''))),
  )
  return [...contents]
    .sort()
    .map((body) => `-----BEGIN CERTIFICATE-----\n${body.replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`)
    .join('')
}

/** The bundles that a source means, of all that the tenant has. */
export const selectedBundles = (source: TrustSource, bundles: readonly KubeObject[]): readonly KubeObject[] =>
  bundles.filter(({ metadata, spec }) =>
    source.name === undefined
      ? source.signerName !== undefined &&
        spec?.signerName === source.signerName &&
        source.labelSelector !== undefined &&
        selectorHolds(source.labelSelector, metadata.labels ?? {})
      : metadata.name === source.name,
  )
