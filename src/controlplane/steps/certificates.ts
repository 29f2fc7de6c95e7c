import { X509Certificate } from 'node:crypto'
import { authorityNoticeMs } from '../../tenancy/certificate-life.ts'
import { authoritySecrets, tenantAuthorities } from '../pki/plan.ts'
import type { Round, Step } from '../steps.ts'

/** What is to be told of authorities that end within a year, with what to do; undefined when none does. */
export const endingAuthorities = ({ roots, tenant, now }: Pick<Round, 'roots' | 'tenant' | 'now'>): string | undefined => {
  const ends = tenantAuthorities.map((authority) => ({
    name: authoritySecrets[authority],
    until: Date.parse(new X509Certificate(roots.authorities[authority].cert).validTo),
  }))
  const [first] = ends.filter(({ until }) => until - now.getTime() < authorityNoticeMs).sort((a, b) => a.until - b.until)
  if (!first) return undefined
  const day = new Date(first.until).toISOString().slice(0, 10)
  const { name, namespace } = tenant.metadata
  return `authority ${first.name} ends on ${day}, and the tenant with it: rotate with \`berth certs rotate ${name} -n ${namespace} --authorities\``
}

/** Keys and policies are laid before any step runs; what is left of that step is its condition. */
export const certificates: Step = {
  name: 'certificates',
  condition: 'CertificatesReady',
  needs: [],
  run: async (round) => {
    const ending = endingAuthorities(round)
    return ending === undefined
      ? { kind: 'done', reason: 'Issued', message: 'all keys and certificates are in place' }
      : { kind: 'wait', reason: 'AuthorityEnds', message: ending, serves: true, problem: true, retryAfterMs: 25_000 }
  },
}
