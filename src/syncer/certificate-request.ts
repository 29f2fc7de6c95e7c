import { generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { AppError } from '../lib/errors.ts'

const { asn1 } = forge

interface Algorithm {
  readonly generate: () => Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }>
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** Object identifier of the signature (RFC 5758, RFC 8017, RFC 8410). */
  readonly oid: string
  /** RSA's identifier carries an explicit NULL. */
  readonly nullParameters?: true
}

/** Not the synchronous one: a large RSA key takes a second, in which no other tenant would be served. */
const newPair = promisify(generateKeyPair)

const ec = (namedCurve: string, hash: 'sha256' | 'sha384' | 'sha512', oid: string): Algorithm => ({
  generate: () => newPair('ec', { namedCurve }),
  hash,
  oid,
})

const rsa = (modulusLength: number): Algorithm => ({
  generate: () => newPair('rsa', { modulusLength }),
  hash: 'sha256',
  oid: '1.2.840.113549.1.1.11',
  nullParameters: true,
})

/** Key types of a podCertificate source (k8s.io/api/core/v1 PodCertificateProjection). */
const algorithms: Readonly<Record<string, Algorithm>> = {
  ECDSAP256: ec('P-256', 'sha256', '1.2.840.10045.4.3.2'),
  ECDSAP384: ec('P-384', 'sha384', '1.2.840.10045.4.3.3'),
  ECDSAP521: ec('P-521', 'sha512', '1.2.840.10045.4.3.4'),
  ED25519: { generate: () => newPair('ed25519'), hash: null, oid: '1.3.101.112' },
  RSA3072: rsa(3072),
  RSA4096: rsa(4096),
}

const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class
const sequence = (...parts: forge.asn1.Asn1[]) => asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, parts)
const binary = (bytes: Buffer): string => bytes.toString('binary')
const bytesOf = (value: forge.asn1.Asn1): Buffer => Buffer.from(asn1.toDer(value).getBytes(), 'binary')

/**
 * A new key of a type, and the proof that one has it: a PKCS #10 request (RFC 2986) with no name in it, as PodCertificateRequest's
 * `stubPKCS10Request` wants it. @throws TRANSLATION_REFUSED for a type that is not known.
 */
export const newKeyWithProof = async (keyType: string): Promise<{ readonly keyPem: string; readonly request: Buffer }> => {
  const algorithm = Object.hasOwn(algorithms, keyType) ? algorithms[keyType] : undefined
  if (!algorithm)
    throw new AppError(
      'TRANSLATION_REFUSED',
      `key type ${keyType} is not known: use one of ${Object.keys(algorithms).join(', ')}`,
    )
  const { privateKey, publicKey } = await algorithm.generate()
  const publicInfo = asn1.fromDer(binary(publicKey.export({ type: 'spki', format: 'der' })))
  const info = sequence(
    asn1.create(UNIVERSAL, asn1.Type.INTEGER, false, asn1.integerToDer(0).getBytes()),
    sequence(),
    publicInfo,
    asn1.create(CONTEXT_SPECIFIC, 0, true, []),
  )
  const signature = sign(algorithm.hash, bytesOf(info), privateKey)
  const request = sequence(
    info,
    sequence(
      asn1.create(UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(algorithm.oid).getBytes()),
      ...(algorithm.nullParameters ? [asn1.create(UNIVERSAL, asn1.Type.NULL, false, '')] : []),
    ),
    asn1.create(UNIVERSAL, asn1.Type.BITSTRING, false, `\0${binary(signature)}`),
  )
  return { keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), request: bytesOf(request) }
}
