import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** Where the mounted certificates lie. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
  /** Certificate authority of the tenants' client certificates. */
  readonly clientCa: string
}

/** PEM texts of one consistent set. */
export interface AgentCertificates {
  readonly cert: string
  readonly key: string
  readonly ca: string
  /** Differs when any of the texts does. */
  readonly digest: string
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

// Without an authority of its own, TLS would fall back to the public ones, and any of them could name a tenant. A text that cannot be read counts as none there.
const requireAuthority = (ca: string, path: string): void => {
  const blocks = ca.match(pemCertificate) ?? []
  if (blocks.length === 0) throw new AppError('CERTIFICATE_INVALID', `${path} holds no certificate`, {})
  if (!blocks.every((block) => new X509Certificate(block).ca)) {
    throw new AppError('CERTIFICATE_INVALID', `${path} holds a certificate that is no authority`, {})
  }
}

/** Reads and checks the set. Throws CERTIFICATE_INVALID, for example while one file of two has been renewed. */
export const readCertificates = async (files: CertificateFiles): Promise<AgentCertificates> => {
  try {
    const [cert = '', key = '', ca = ''] = await Promise.all(
      [files.cert, files.key, files.clientCa].map((path) => readFile(path, 'utf8')),
    )
    if (!cert || !key) throw new AppError('CERTIFICATE_INVALID', `${files.cert} or ${files.key} is empty`, {})
    requireAuthority(ca, files.clientCa)
    createSecureContext({ cert, key, ca })
    return { cert, key, ca, digest: createHash('sha256').update([cert, key, ca].join('\0')).digest('hex') }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('CERTIFICATE_INVALID', `cannot use the certificates in ${files.cert}, ${files.key}, ${files.clientCa}`, {
      cause,
    })
  }
}

/**
 * Tells of every change of the mounted files, until stopped. The files are read again every few seconds: a mounted Secret changes by renamed
 * links, which file notifications miss on some file systems. A set that cannot be used is logged, and the last good one stays.
 */
export const watchCertificates = (
  first: AgentCertificates,
  files: CertificateFiles,
  { everyMs = 10_000, onChange, log }: { everyMs?: number; onChange: (certificates: AgentCertificates) => void; log: Log },
): { stop: () => void } => {
  let { digest } = first
  let reading = false
  const check = async (): Promise<void> => {
    if (reading) return
    reading = true
    try {
      const certificates = await readCertificates(files)
      if (certificates.digest === digest) return
      onChange(certificates)
      digest = certificates.digest
      log.info({}, 'certificates reloaded')
    } catch (error) {
      log.error({ err: error }, 'cannot reload certificates; the last ones stay in use')
    } finally {
      reading = false
    }
  }
  const timer = setInterval(() => void check(), everyMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
