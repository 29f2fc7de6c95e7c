/** What was found out about a DataStore. */
export interface StoreFindings {
  /** Of each endpoint: which etcd it is and how large, or why it does not say so. */
  readonly endpoints: readonly StoreEndpointFinding[]
  readonly alarms: readonly string[]
  /** Root may read: its certificate is that of the user root, and etcd knows it. */
  readonly rootReads: boolean
  /** Somebody with a certificate of the signing authority and no user of that name may read, or why that could not be asked. */
  readonly strangers:
    | { readonly kind: 'refused' }
    | { readonly kind: 'read' }
    | { readonly kind: 'failed'; readonly message: string }
}

export type StoreEndpointFinding =
  | { readonly endpoint: string; readonly clusterId: string; readonly sizeBytes: number }
  | { readonly endpoint: string; readonly message: string }

/** Whether tenants may use a DataStore. With what is not `True` comes what to do. */
export interface StoreVerdict {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  /** Set when it is known to be the right etcd. */
  readonly clusterId?: string
  readonly sizeBytes?: number
}

const no = (reason: string, message: string, known: Pick<StoreVerdict, 'clusterId' | 'sizeBytes'> = {}): StoreVerdict => ({
  status: 'False',
  reason,
  message,
  ...known,
})

/** Pure: the first thing that is wrong is the verdict. `knownClusterId` is the etcd that tenants have their data in. */
export const storeVerdict = (findings: StoreFindings, knownClusterId: string | undefined): StoreVerdict => {
  const answers = findings.endpoints.flatMap((each) => ('clusterId' in each ? [each] : []))
  const silent = findings.endpoints.flatMap((each) => ('message' in each ? [each] : []))
  const [first] = answers
  if (!first) return no('DataStoreUnreachable', silent[0]?.message ?? 'no endpoint answers')
  const other = answers.find(({ clusterId }) => clusterId !== (knownClusterId ?? first.clusterId))
  if (other) {
    const message = knownClusterId
      ? `${other.endpoint} is another etcd (${other.clusterId}) than the one that has the data of the tenants (${knownClusterId}): correct spec.endpoints`
      : `${first.endpoint} and ${other.endpoint} are not members of one etcd: make a DataStore of each`
    return no('AnotherCluster', message)
  }
  const known = { clusterId: first.clusterId, sizeBytes: Math.max(...answers.map(({ sizeBytes }) => sizeBytes)) }
  const { strangers, rootReads, alarms } = findings
  if (strangers.kind === 'read')
    return no('AuthDisabled', 'auth is not enabled, so each tenant could read all others: etcdctl auth enable', known)
  if (!rootReads)
    return no(
      'NotRoot',
      'etcd knows tls.crt for nobody who may read all: its common name has to be that of a user with the role root',
    )
  if (strangers.kind === 'failed') {
    const message = `etcd does not take certificates of the signing authority (ca-signing.crt, or ca.crt): ${strangers.message}`
    return no('AuthorityNotTrusted', message, known)
  }
  if (alarms.includes('CORRUPT'))
    return no('StoreCorrupt', 'members of etcd differ in their data: their logs say which one is wrong', known)
  if (alarms.includes('NOSPACE'))
    return no('StoreFull', 'etcd is full and takes no writes: make room, defragment, and disarm the alarm with etcdctl', known)
  const missing = silent.length === 0 ? '' : `; no answer from ${silent.map(({ endpoint }) => endpoint).join(', ')}`
  const message = `auth is enabled, and ${answers.length} of ${findings.endpoints.length} endpoint(s) answer${missing}`
  return { status: 'True', reason: 'Serving', message, ...known }
}
