import { issueLeaf, type KeyPair } from '../pki/issue.ts'

/** No user has this name. */
const commonName = 'berth-nobody'
const hour = 3_600_000

/** Gives a certificate of an authority for nobody: what it may read, each tenant may. The same one for hours, so that its connection is as well. */
export type Stranger = (signer: KeyPair, now: Date) => Promise<KeyPair>

export const createStranger = (): Stranger => {
  const known = new Map<string, { readonly until: number; readonly pair: KeyPair }>()
  return async (signer, now) => {
    const time = now.getTime()
    for (const [cert, { until }] of known) if (until <= time) known.delete(cert)
    const kept = known.get(signer.cert)
    if (kept) return kept.pair
    const life = { notBefore: new Date(time - hour), notAfter: new Date(time + 13 * hour) }
    const pair = await issueLeaf(signer, { subject: { commonName }, usages: ['client'], ...life })
    known.set(signer.cert, { until: time + 12 * hour, pair })
    return pair
  }
}
