import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { AppError } from '../../lib/errors.ts'

const { asn1 } = forge
const { Class, Type } = asn1

/** A certificate and its private key, as PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

export interface Subject {
  readonly commonName: string
  readonly organization?: string
}

export type ExtendedUsage = 'server' | 'client'

export interface LeafRequest {
  readonly subject: Subject
  readonly usages: readonly ExtendedUsage[]
  /** DNS names and IPv4 or IPv6 addresses. */
  readonly names?: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
}

const generate = promisify(generateKeyPair)

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  rsaWithSha256: '1.2.840.113549.1.1.11',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const
const extendedUsageOids: Record<ExtendedUsage, string> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }

type Node = forge.asn1.Asn1
const sequence = (...children: Node[]): Node => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, children)
const oid = (value: string): Node => asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(value).getBytes())
const octetString = (bytes: string): Node => asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes)
const bitString = (bytes: string): Node => asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${bytes}`)
const integer = (bytes: Buffer): Node => asn1.create(Class.UNIVERSAL, Type.INTEGER, false, bytes.toString('binary'))
const context = (tag: number, constructed: boolean, value: string | Node[]): Node =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, constructed, value)
const der = (node: Node): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'binary')

const nameOf = ({ commonName, organization }: Subject): Node => {
  const part = (type: string, value: string): Node =>
    asn1.create(Class.UNIVERSAL, Type.SET, true, [
      sequence(oid(type), asn1.create(Class.UNIVERSAL, Type.UTF8, false, forge.util.encodeUtf8(value))),
    ])
  return sequence(...(organization ? [part(oids.organization, organization)] : []), part(oids.commonName, commonName))
}

/** RFC 5280: UTCTime until 2049, GeneralizedTime from then on. */
const time = (date: Date): Node =>
  date.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date))

const extension = (type: string, critical: boolean, value: Node): Node =>
  sequence(
    oid(type),
    ...(critical ? [asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, '\xff')] : []),
    octetString(asn1.toDer(value).getBytes()),
  )

/** Not in forge's published types. */
const ipBytes = forge.util as unknown as { bytesFromIP(text: string): string | null }

const altName = (name: string): Node => {
  const address = ipBytes.bytesFromIP(name)
  if (address !== null) return context(7, false, address)
  if (!/^[\x21-\x7e]{1,253}$/.test(name)) {
    throw new AppError(
      'CERTIFICATE_INVALID',
      `${JSON.stringify(name)} cannot be a name in a certificate: write a DNS name or an IP address`,
      { name },
    )
  }
  return context(2, false, name)
}

/** RFC 5280 4.2.1.2 method 1: SHA-1 over the key's bits. It is an identifier, not a signature. */
const keyIdentifier = (spki: Node): string => {
  const bits = (spki.value as Node[])[1]?.value
  if (typeof bits !== 'string') throw new AppError('CERTIFICATE_INVALID', 'a public key has no bits', {})
  return createHash('sha1').update(bits.slice(1), 'binary').digest('binary')
}

/** 159 bits long, 158 of them random: positive, and within the 20 bytes that RFC 5280 allows. */
const serialNumber = (): Buffer => {
  const bytes = randomBytes(20)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

interface Signer {
  readonly name: Node
  readonly key: KeyObject
  readonly keyId: string
}

/** Berth's own authorities have EC keys; that of an operator's etcd may be older. */
const algorithmOf = (key: KeyObject): Node => {
  const { asymmetricKeyType: type } = key
  if (type === 'ec') return sequence(oid(oids.ecdsaWithSha256))
  if (type === 'rsa') return sequence(oid(oids.rsaWithSha256), asn1.create(Class.UNIVERSAL, Type.NULL, false, ''))
  throw new AppError('CERTIFICATE_INVALID', 'the key of an authority is neither RSA nor EC: use one that is', {})
}

const build = (request: {
  subject: Node
  publicKey: KeyObject
  notBefore: Date
  notAfter: Date
  issuer: Signer
  extensions: readonly Node[]
}): string => {
  const algorithm = algorithmOf(request.issuer.key)
  const toBeSigned = sequence(
    context(0, true, [integer(Buffer.from([2]))]),
    integer(serialNumber()),
    algorithm,
    request.issuer.name,
    sequence(time(request.notBefore), time(request.notAfter)),
    request.subject,
    spkiOf(request.publicKey),
    context(3, true, [sequence(...request.extensions)]),
  )
  const signature = sign('sha256', der(toBeSigned), request.issuer.key)
  const body = der(sequence(toBeSigned, algorithm, bitString(signature.toString('binary')))).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

/** Its options are not in forge's published types. */
const fromDer = asn1.fromDer as unknown as (bytes: string, options: { strict: boolean; decodeBitStrings: boolean }) => Node
/** Bit strings stay as they are: forge would take the bits of one key in 256 for another ASN.1 value inside them. */
const parseDer = (bytes: Buffer): Node => fromDer(bytes.toString('binary'), { strict: true, decodeBitStrings: false })

const spkiOf = (publicKey: KeyObject): Node => parseDer(publicKey.export({ type: 'spki', format: 'der' }))

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

// digitalSignature, keyCertSign and cRLSign; for a leaf digitalSignature alone: P-256 keys encipher nothing.
const caUsage = bitStringOfUsage(0b10000110, 1)
const leafUsage = bitStringOfUsage(0b10000000, 7)
function bitStringOfUsage(bits: number, unused: number): Node {
  return asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, String.fromCharCode(unused, bits))
}

/** How an authority's certificate itself names its key: not every tool makes that name as RFC 5280 proposes. */
const writtenKeyIdentifier = (body: Node | undefined): string | undefined => {
  const extensions = ((body?.value ?? []) as Node[]).find(
    ({ tagClass, type }) => tagClass === Class.CONTEXT_SPECIFIC && type === 3,
  )
  const list = ((extensions?.value as Node[] | undefined)?.[0]?.value ?? []) as Node[]
  const subjectKeyId = asn1.oidToDer(oids.subjectKeyId).getBytes()
  const found = list.map(({ value }) => value as Node[]).find(([type]) => type?.value === subjectKeyId)
  const octets = found?.at(-1)?.value
  const identifier = typeof octets === 'string' ? parseDer(Buffer.from(octets, 'binary')).value : undefined
  return typeof identifier === 'string' ? identifier : undefined
}

/** A new self-signed P-256 authority that signs leaves only. */
export const issueAuthority = async ({
  subject,
  notBefore,
  notAfter,
}: Omit<LeafRequest, 'usages' | 'names'>): Promise<KeyPair> => {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' })
  const keyId = keyIdentifier(spkiOf(publicKey))
  const name = nameOf(subject)
  const cert = build({
    subject: name,
    publicKey,
    notBefore,
    notAfter,
    issuer: { name, key: privateKey, keyId },
    extensions: [
      extension(
        oids.basicConstraints,
        true,
        sequence(asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, '\xff'), integer(Buffer.from([0]))),
      ),
      extension(oids.keyUsage, true, caUsage),
      extension(oids.subjectKeyId, false, octetString(keyId)),
      extension(oids.authorityKeyId, false, sequence(context(0, false, keyId))),
    ],
  })
  return { cert, key: pkcs8(privateKey) }
}

/** A new P-256 leaf of an authority. Throws CERTIFICATE_INVALID for a name that no certificate can carry. */
export const issueLeaf = async (authority: KeyPair, request: LeafRequest): Promise<KeyPair> => {
  const issuerCert = parseDer(new X509Certificate(authority.cert).raw)
  // The issuer's name is copied as it stands in the authority's certificate: verifiers compare its bytes.
  const [issuerBody] = issuerCert.value as Node[]
  const issuerName = (issuerBody?.value as Node[] | undefined)?.[5]
  if (!issuerName) throw new AppError('CERTIFICATE_INVALID', 'the certificate of an authority has no subject', {})
  const issuerKey = createPrivateKey(authority.key)
  const issuerKeyId = writtenKeyIdentifier(issuerBody) ?? keyIdentifier(spkiOf(createPublicKey(issuerKey)))
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' })
  const names = request.names ?? []
  const cert = build({
    subject: nameOf(request.subject),
    publicKey,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    issuer: { name: issuerName, key: issuerKey, keyId: issuerKeyId },
    extensions: [
      extension(oids.basicConstraints, true, sequence()),
      extension(oids.keyUsage, true, leafUsage),
      extension(oids.extendedKeyUsage, false, sequence(...request.usages.map((usage) => oid(extendedUsageOids[usage])))),
      extension(oids.subjectKeyId, false, octetString(keyIdentifier(spkiOf(publicKey)))),
      extension(oids.authorityKeyId, false, sequence(context(0, false, issuerKeyId))),
      ...(names.length > 0 ? [extension(oids.subjectAltName, false, sequence(...names.map(altName)))] : []),
    ],
  })
  return { cert, key: pkcs8(privateKey) }
}

/** The RSA pair that signs and checks service-account tokens. */
export const issueServiceAccountKeys = async (): Promise<{ publicKey: string; privateKey: string }> => {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 })
  return { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey: pkcs8(privateKey) }
}
