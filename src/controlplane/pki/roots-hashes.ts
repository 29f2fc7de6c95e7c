import { hashOf } from '../apply.ts'
import type { RootsHashes } from '../components/plane.ts'
import { isUntouched } from './generations.ts'
import type { Roots } from './keys.ts'

/** As it was before there were rotations: pods of a tenant that was never rotated keep it. */
const firstHash = ({ authorities, serviceAccount, encryptionKey }: Roots, agentServingCert: string): string =>
  hashOf([{ authorities, serviceAccount, encryptionKey }, agentServingCert])

/** The hash that a tenant's pods had before its first rotation. */
export const baseHashOf = (roots: Roots, agentServingCert: string): string => {
  const { authorities, serviceAccount } = roots.generations
  const all = [authorities.cluster, authorities.etcd, authorities.frontProxy, serviceAccount]
  return all.find(({ baseHash }) => baseHash !== undefined)?.baseHash ?? firstHash(roots, agentServingCert)
}

/**
 * What makes the pods of each component start anew: exactly what it reads when it starts, and never again. etcd reads whom it trusts (its own certificate with
 * each handshake); the API server whom etcd and the kubelets are known by, and the keys of tokens; the controller manager whom it trusts, what it hands to pods, and
 * the key that signs tokens. What issues, and the certificates made with it, are read again while they run.
 * `storeCa` is the authority of a data store that is not the tenant's own: the API server knows that store by it.
 */
export const rootsHashes = (roots: Roots, agentServingCert: string, storeCa?: string): RootsHashes => {
  const { trust, generations, encryptionKey, serviceAccount } = roots
  const { cluster, etcd, frontProxy } = generations.authorities
  const base = baseHashOf(roots, agentServingCert)
  const of = (untouched: boolean, ...reads: readonly string[]): string => (untouched ? base : hashOf(reads))
  const signsAsFirst = generations.serviceAccount.generation === 1
  const apiServer = of(
    [cluster, etcd, frontProxy, generations.serviceAccount].every(isUntouched),
    ...Object.values(trust.authorities),
    trust.serviceAccount,
    serviceAccount.privateKey,
    encryptionKey,
    agentServingCert,
  )
  return {
    etcd: of(isUntouched(etcd), trust.authorities.etcd),
    'kube-apiserver': storeCa === undefined ? apiServer : hashOf([apiServer, storeCa]),
    'kube-controller-manager': of(
      isUntouched(cluster) && signsAsFirst,
      trust.authorities.cluster,
      agentServingCert,
      serviceAccount.privateKey,
    ),
  }
}
