import { createPrivateKey, X509Certificate } from 'node:crypto'
import { explainError } from '../../lib/errors.ts'
import type { KeyPair } from '../pki/issue.ts'

/** What a Secret of a data store holds, or why it is of no use, in words. */
export type StoreKeys<T> = ({ readonly kind: 'good' } & T) | { readonly kind: 'bad'; readonly message: string }

type Data = Readonly<Record<string, string>> | undefined

const lacking = (data: Data, names: readonly string[]): string | undefined => {
  if (!data) return 'is not there'
  const missing = names.filter((name) => !data[name]?.trim())
  return missing.length > 0 ? `lacks ${missing.join(' and ')}` : undefined
}

/** Words of libraries never go along: they may quote what they could not read. */
const pairProblem = (cert: string, key: string, names: readonly [cert: string, key: string]): string | undefined => {
  let parsed: X509Certificate
  try {
    parsed = new X509Certificate(cert)
  } catch {
    return `has a ${names[0]} that is no PEM certificate`
  }
  try {
    return parsed.checkPrivateKey(createPrivateKey(key)) ? undefined : `has a ${names[1]} that does not belong to its ${names[0]}`
  } catch (error) {
    return explainError(error).includes('passphrase')
      ? `has an encrypted ${names[1]}: store it without a passphrase`
      : `has a ${names[1]} that is no PEM key`
  }
}

/** A client certificate of an etcd, and whom to trust. */
export interface ClientKeys {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Reads the Secret of an `external` data store. */
export const clientKeysOf = (where: string, data: Data): StoreKeys<ClientKeys> => {
  const problem = lacking(data, ['ca.crt', 'tls.crt', 'tls.key'])
  if (problem || !data) return { kind: 'bad', message: `Secret ${where} ${problem}` }
  const [ca = '', cert = '', key = ''] = [data['ca.crt'], data['tls.crt'], data['tls.key']]
  const wrong = pairProblem(cert, key, ['tls.crt', 'tls.key'])
  return wrong ? { kind: 'bad', message: `Secret ${where} ${wrong}` } : { kind: 'good', ca, cert, key }
}

/** Reads the Secret of a DataStore: beside the client certificate of root, the authority that signs for tenants. */
export const storeKeysOf = (where: string, data: Data): StoreKeys<ClientKeys & { readonly signer: KeyPair }> => {
  const client = clientKeysOf(where, data)
  if (client.kind === 'bad') return client
  const problem = lacking(data, ['ca.key'])
  if (problem) return { kind: 'bad', message: `Secret ${where} ${problem}` }
  const signer = { cert: data?.['ca-signing.crt'] ?? client.ca, key: data?.['ca.key'] ?? '' }
  const wrong = pairProblem(signer.cert, signer.key, [data?.['ca-signing.crt'] ? 'ca-signing.crt' : 'ca.crt', 'ca.key'])
  return wrong ? { kind: 'bad', message: `Secret ${where} ${wrong}` } : { ...client, signer }
}
