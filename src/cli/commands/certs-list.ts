import { X509Certificate } from 'node:crypto'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { AppError } from '../../lib/errors.ts'
import { renewalTimeOf } from '../../tenancy/certificate-life.ts'
import { certificateUses } from '../../tenancy/certificate-uses.ts'
import { controlPlaneLabel } from '../../tenancy/marks.ts'
import { openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { resultText } from '../print.ts'
import { type OutputOptions, readTenant } from './tenants.ts'

/** One certificate or key as people see it: nothing of it is secret. */
export interface CertificateRow {
  /** `secret/name` in the control-plane namespace. */
  readonly name: string
  readonly use: string
  readonly subject?: string
  /** Generation of an authority or key, or of the authority that a certificate is of. */
  readonly generation?: number
  /** RFC 3339. */
  readonly validUntil?: string
  /** RFC 3339; certificates of authorities are not renewed by themselves. */
  readonly renewedFrom?: string
}

const states = { next: 1, tls: 0, sa: 0, old: -1 } as const
const words = { next: ' (trusted, issues next)', tls: '', sa: '', old: ' (still trusted, issues no more)' } as const
type State = keyof typeof states

const instant = (ms: number): string => timestamp(new Date(ms))

const certificateOf = (data: Readonly<Record<string, string>>, key: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(Buffer.from(data[key] ?? '', 'base64'))
  } catch {
    return undefined
  }
}

interface Read {
  readonly row: CertificateRow
  readonly cert: X509Certificate | undefined
}

const rootsIn = ({ metadata: { name = '' }, data = {} }: KubeObject): Read[] => {
  const generation = Number(Buffer.from(data['generation'] ?? '', 'base64').toString('utf8') || 1)
  const kind = data['sa.pub'] ? 'sa' : 'tls'
  return (['old', kind, 'next'] as const satisfies State[]).flatMap((state): Read[] => {
    const [file, ending] = [state, kind === 'sa' ? 'pub' : 'crt']
    if (!data[`${file}.${ending}`] || !data[`${file}.key`]) return []
    const cert = certificateOf(data, `${file}.${ending}`)
    const use = `${certificateUses[`${name}/${kind}`] ?? ''}${words[state]}`
    const row = { name: `${name}/${file}`, use, generation: generation + states[state] }
    if (!cert) return kind === 'sa' ? [{ row, cert }] : []
    return [
      { row: { ...row, subject: cert.subject.replaceAll('\n', ', '), validUntil: instant(Date.parse(cert.validTo)) }, cert },
    ]
  })
}

const leavesIn = ({ metadata: { name = '' }, data = {} }: KubeObject, authorities: readonly Read[]): Read[] =>
  Object.keys(data).flatMap((key): Read[] => {
    const file = key.replace(/\.crt$/, '')
    const cert = file !== key && data[`${file}.key`] ? certificateOf(data, key) : undefined
    // What is an authority itself is a copy.
    if (!cert || cert.ca) return []
    const issuer = authorities.find((each) => each.cert?.publicKey && cert.verify(each.cert.publicKey))
    const row = {
      name: `${name}/${file}`,
      use: certificateUses[`${name}/${file}`] ?? '',
      subject: cert.subject.replaceAll('\n', ', '),
      ...(issuer?.row.generation !== undefined && { generation: issuer.row.generation }),
      validUntil: instant(Date.parse(cert.validTo)),
      renewedFrom: instant(renewalTimeOf(cert)),
    }
    return [{ row, cert }]
  })

/** Certificates and keys of a control plane's Secrets: roots first. Private keys are looked at by name only. */
export const certificateRows = (secrets: readonly KubeObject[]): readonly CertificateRow[] => {
  const isRoot = ({ data = {} }: KubeObject): boolean =>
    Boolean(data['tls.crt'] || data['sa.key']) && !data['serving.crt'] && !data['kubeconfig']
  const roots = secrets.filter(isRoot).flatMap(rootsIn)
  const leaves = secrets.filter((secret) => !isRoot(secret)).flatMap((secret) => leavesIn(secret, roots))
  return [...roots, ...leaves].map(({ row }) => row)
}

/** Lists what keys a tenant has, and until when they are good. */
export const listCertificates = async (name: string, options: OutputOptions, host: CliHost): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const { metadata, status } = await readTenant(client, { name, namespace }, host.signal)
    const place = status?.controlPlaneNamespace
    if (!place) throw new AppError('TENANT_NOT_FOUND', `tenant ${name} has no control plane yet: wait until it is made`, {})
    const labelSelector = `${controlPlaneLabel}=${metadata.uid}`
    const { items } = await client.list(resourceTypes.secrets, { namespace: place, labelSelector, signal: host.signal })
    const rows = certificateRows(items)
    host.stdout.write(
      resultText(
        {
          data: rows,
          names: rows.map((row) => row.name),
          columns: ['NAME', 'FOR', 'SUBJECT', 'GENERATION', 'VALID UNTIL', 'RENEWED FROM'],
          rows: rows.map(({ name: id, use, subject = '-', generation, validUntil = '-', renewedFrom = '-' }) => [
            id,
            use,
            subject,
            generation === undefined ? '-' : String(generation),
            validUntil,
            renewedFrom,
          ]),
        },
        options.output,
      ),
    )
    return exitCodes.done
  } finally {
    await client.close()
  }
}
