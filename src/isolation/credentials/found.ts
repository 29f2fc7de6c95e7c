import { createPrivateKey, X509Certificate } from 'node:crypto'
import { parse } from 'yaml'
import { z } from 'zod'
import type { KubeConnection } from '../../kube/client.ts'

/** Texts by their names, as a Secret or a ConfigMap has them. */
export type Texts = Readonly<Record<string, string>>

/** What can be shown to an API server, and where it stood. It is never told. */
export interface FoundCredential {
  /** Name of the text, never of what is in it. */
  readonly key: string
  readonly credential: Pick<KubeConnection, 'token' | 'clientCert' | 'clientKey'>
}

export interface Findings {
  /** Addresses of API servers in kubeconfigs. */
  readonly servers: readonly { readonly key: string; readonly server: string }[]
  readonly credentials: readonly FoundCredential[]
}

const kubeconfig = z.looseObject({
  clusters: z.array(z.looseObject({ cluster: z.looseObject({ server: z.string() }) })),
  users: z
    .array(
      z.looseObject({
        user: z
          .looseObject({
            token: z.string().optional(),
            'client-certificate-data': z.string().optional(),
            'client-key-data': z.string().optional(),
          })
          .nullish(),
      }),
    )
    .nullish(),
})

const decoded = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8')

const kubeconfigOf = (text: string): z.infer<typeof kubeconfig> | undefined => {
  if (!text.includes('clusters')) return undefined
  try {
    return kubeconfig.safeParse(parse(text)).data
  } catch {
    // Many texts have the word in them.
    return undefined
  }
}

const jwt = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g
const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----/g

interface Part {
  readonly key: string
  readonly pem: string
}

const isPair = ({ pem }: Part, key: Part): boolean => {
  try {
    return new X509Certificate(pem).checkPrivateKey(createPrivateKey(key.pem))
  } catch {
    return false
  }
}

/** What in these texts an API server could take for somebody: tokens, kubeconfigs, certificates with their keys. */
export const findingsIn = (texts: Texts): Findings => {
  const servers: { key: string; server: string }[] = []
  const credentials: FoundCredential[] = []
  const certificates: Part[] = []
  const keys: Part[] = []
  const readPems = (key: string, text: string): void => {
    // JSON has them in one line.
    const lines = text.replaceAll('\\n', '\n')
    certificates.push(...[...lines.matchAll(certificate)].map(([pem]) => ({ key, pem })))
    keys.push(...[...lines.matchAll(privateKey)].map(([pem]) => ({ key, pem })))
  }
  for (const [key, text] of Object.entries(texts)) {
    const tokens = new Set([...text.matchAll(jwt)].map(([token]) => token))
    const config = kubeconfigOf(text)
    for (const { cluster } of config?.clusters ?? []) servers.push({ key, server: cluster.server })
    for (const { user } of config?.users ?? []) {
      if (user?.token) tokens.add(user.token)
      readPems(key, decoded(user?.['client-certificate-data']))
      readPems(key, decoded(user?.['client-key-data']))
    }
    for (const token of tokens) credentials.push({ key, credential: { token: () => token } })
    readPems(key, text)
  }
  for (const each of certificates) {
    const own = keys.find((candidate) => isPair(each, candidate))
    if (own) credentials.push({ key: each.key, credential: { clientCert: each.pem, clientKey: own.pem } })
  }
  return { servers, credentials }
}
