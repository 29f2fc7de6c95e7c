import { createPrivateKey, X509Certificate } from 'node:crypto'
import { renewalTimeOf } from '../../tenancy/certificate-life.ts'
import type { KeyPair } from './issue.ts'
import type { LeafPlan } from './plan.ts'

/** Why a certificate has to be issued (again). */
export type ReissueReason =
  | 'Missing'
  | 'Unreadable'
  | 'KeyMismatch'
  | 'AuthorityChanged'
  | 'SubjectChanged'
  | 'NamesChanged'
  | 'TwoThirdsOfLifeOver'

interface PolicyInput {
  readonly plan: Pick<LeafPlan, 'subject' | 'names'>
  readonly cert: X509Certificate
  readonly key: string
  readonly authorityCert: X509Certificate
  readonly now: Date
}

type Check = (input: PolicyInput) => boolean

const subjectText = ({ subject }: Pick<LeafPlan, 'subject'>): string =>
  [...(subject.organization ? [`O=${subject.organization}`] : []), `CN=${subject.commonName}`].join('\n')

/** Names of a certificate as the plan writes them, sorted. */
const namesOf = (cert: X509Certificate): string[] =>
  (cert.subjectAltName ?? '')
    .split(', ')
    .filter(Boolean)
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .sort()

/** In order: the first that holds is the reason. */
const checks: readonly (readonly [ReissueReason, Check])[] = [
  ['KeyMismatch', ({ cert, key }) => !cert.checkPrivateKey(createPrivateKey(key))],
  ['AuthorityChanged', ({ cert, authorityCert }) => !cert.checkIssued(authorityCert) || !cert.verify(authorityCert.publicKey)],
  ['SubjectChanged', ({ plan, cert }) => cert.subject !== subjectText(plan)],
  ['NamesChanged', ({ plan, cert }) => namesOf(cert).join() !== [...plan.names].map(canonicalName).sort().join()],
  ['TwoThirdsOfLifeOver', ({ cert, now }) => now.getTime() >= renewalTimeOf(cert)],
]

/** Node prints IPv6 addresses of a certificate in full, in capitals. */
const canonicalName = (name: string): string => {
  if (!name.includes(':')) return name
  const [head = '', tail] = name.split('::')
  const left = head.split(':').filter(Boolean)
  const right = (tail ?? '').split(':').filter(Boolean)
  const zeros = Array<string>(tail === undefined ? 0 : 8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].map((part) => part.replace(/^0+(?=.)/, '').toUpperCase()).join(':')
}

/** Why the leaf of a plan has to be issued again; undefined when the one there is good. */
export const reissueReason = (input: {
  readonly plan: Pick<LeafPlan, 'subject' | 'names'>
  readonly issued: Partial<KeyPair>
  readonly authorityCert: string
  readonly now: Date
}): ReissueReason | undefined => {
  const { cert, key } = input.issued
  if (!cert || !key) return 'Missing'
  try {
    const parsed = { ...input, key, cert: new X509Certificate(cert), authorityCert: new X509Certificate(input.authorityCert) }
    return checks.find(([, holds]) => holds(parsed))?.[0]
  } catch {
    return 'Unreadable'
  }
}
