import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { apiServerPort } from '../components/kube-apiserver.ts'
import { etcdPorts } from '../data-stores/etcd-config.ts'
import type { Deps } from '../deps.ts'
import { hasEnded, podsOf } from '../diagnose.ts'
import { componentNames, secretNames } from '../names.ts'
import type { Observed } from '../observe.ts'

/** Answers of a tenant are taken into memory only so far, a page of what is usually a few KiB each, and waited for only so long: the whole round waits. */
const page = { limit: 100, maxAnswerBytes: 8 * 1024 * 1024, timeoutMs: 5_000 } as const
/** All pages together: what takes longer is not known, and the rest of the round has time left. */
const walkMs = 10_000

type Asked = { readonly tenantKube: KubeClient; readonly signal: AbortSignal }

/** So many names are enough: people are told of three. */
const enough = 50

/** Names that `pick` finds among all objects of a kind, a page in memory at a time, until there are enough. `count` is of the objects looked at. */
const findInPages = async (
  type: ResourceType,
  fieldSelector: string,
  pick: (object: KubeObject) => string | undefined,
  { tenantKube, signal }: Asked,
): Promise<{ readonly found: readonly string[]; readonly count: number }> => {
  const within = AbortSignal.any([signal, AbortSignal.timeout(walkMs)])
  const found: string[] = []
  let count = 0
  let continueToken: string | undefined
  do {
    const { items, metadata } = await tenantKube.list(type, {
      ...page,
      fieldSelector,
      ...(continueToken !== undefined && { continueToken }),
      signal: within,
    })
    count += items.length
    found.push(...items.flatMap((object) => pick(object) ?? []))
    continueToken = metadata.continue || undefined
  } while (continueToken !== undefined && found.length < enough)
  return { found, count }
}

/** Namespaces of the tenant whose pods are not handed an authority yet: their `kube-root-ca.crt` lacks it. */
export const namespacesWithout = async (authority: string, asked: Asked): Promise<readonly string[]> => {
  const lacks = ({ data, metadata }: KubeObject): string | undefined =>
    String(data?.['ca.crt'] ?? '').includes(authority.trim()) ? undefined : metadata.namespace
  const { found, count } = await findInPages(resourceTypes.configMaps, 'metadata.name=kube-root-ca.crt', lacks, asked)
  return count === 0 ? ['default'] : found
}

const rawOf = (pem: string | undefined): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem ?? '')
  } catch {
    return undefined
  }
}

const isSignedBy = (cert: X509Certificate | undefined, authority: string): boolean => {
  const issuer = rawOf(authority)
  return cert !== undefined && issuer !== undefined && cert.verify(issuer.publicKey)
}

/** Pods of the control plane that serve with another certificate than the one they were given last, or whose is not of the authority that issues. */
export const podsNotServing = async (
  { pods, secrets }: Pick<Observed, 'pods' | 'secrets'>,
  authorities: { readonly cluster: string; readonly etcd: string },
  { askCertificate, signal }: Pick<Deps, 'askCertificate' | 'signal'>,
): Promise<readonly string[]> => {
  const apiServerKeys = secrets.get(secretNames.kubeApiServer) ?? {}
  const client = { cert: apiServerKeys['etcd-client.crt'] ?? '', key: apiServerKeys['etcd-client.key'] ?? '' }
  const servers = [
    {
      name: componentNames.kubeApiServer,
      port: apiServerPort,
      cert: apiServerKeys['serving.crt'],
      authority: authorities.cluster,
    },
    {
      name: componentNames.etcd,
      port: etcdPorts.client,
      cert: secrets.get(secretNames.etcd)?.['server.crt'],
      authority: authorities.etcd,
    },
  ]
  const asked = servers.flatMap(({ name, port, cert, authority }) =>
    podsOf(pods, name)
      .filter((pod) => !hasEnded(pod))
      .map(async (pod) => {
        const wanted = rawOf(cert)
        const host = pod.status?.podIP as string | undefined
        const shown = host && isSignedBy(wanted, authority) ? await askCertificate({ host, port }, client, signal) : undefined
        return shown && wanted && shown.equals(wanted.raw) ? [] : [pod.metadata.name ?? name]
      }),
  )
  return (await Promise.all(asked)).flat()
}

/** SHA-256 of a certificate as an API server writes it into the log. */
export const fingerprintOf = (cert: X509Certificate): string => cert.fingerprint256.replaceAll(':', '').toLowerCase()

/** Fingerprints of certificates of the authority: those that Berth gave out, and those that the tenant's own requests were answered with. */
export const fingerprintsOf = async (
  authority: string,
  { secrets }: Pick<Observed, 'secrets'>,
  asked: Asked,
): Promise<readonly string[]> => {
  const own = [...secrets.values()].flatMap((data) =>
    Object.entries(data).flatMap(([name, text]) => (name.endsWith('.crt') ? [text] : [])),
  )
  // The newest ones may be of thousands: a page of them is enough, as all of them are looked at again and again.
  const { items } = await asked.tenantKube.list(resourceTypes.certificateSigningRequests, { ...page, signal: asked.signal })
  const requested = items.flatMap(({ status }) => {
    const encoded: unknown = status?.certificate
    return typeof encoded === 'string' ? [Buffer.from(encoded, 'base64').toString('utf8')] : []
  })
  const issuer = rawOf(authority)
  return [...own, ...requested].flatMap((pem) => {
    const cert = rawOf(pem)
    return cert && issuer && cert.verify(issuer.publicKey) ? [fingerprintOf(cert)] : []
  })
}

/** How API servers name a key in the header of a token (pkg/serviceaccount/jwt.go). */
export const keyIdOf = (publicKey: string): string =>
  createHash('sha256')
    .update(createPublicKey(publicKey).export({ type: 'spki', format: 'der' }))
    .digest('base64url')

const keyIdIn = (encoded: unknown): unknown => {
  try {
    const [header = ''] = Buffer.from(String(encoded), 'base64').toString('utf8').split('.', 1)
    return (JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { kid?: unknown }).kid
  } catch {
    return undefined
  }
}

/** Secrets of the tenant, `namespace/name`, that hold a token of a key. These never end by themselves. */
export const tokensSignedBy = async (publicKey: string, asked: Asked): Promise<readonly string[]> => {
  const id = keyIdOf(publicKey)
  const isSigned = ({ data, metadata }: KubeObject): string | undefined =>
    keyIdIn(data?.['token']) === id ? `${metadata.namespace}/${metadata.name}` : undefined
  return (await findInPages(resourceTypes.secrets, 'type=kubernetes.io/service-account-token', isSigned, asked)).found
}
