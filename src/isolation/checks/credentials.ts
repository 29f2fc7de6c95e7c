import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeConnection } from '../../kube/client.ts'
import { superNamespace, systemNamespace, tenantIdentity } from '../../tenancy/names.ts'
import { type Bench, type Check, failed, notApplicable, passed, unknown, type Verdict } from '../check.ts'
import { type Place, placeOf, statusOf } from '../credentials/trial.ts'
import { answered } from '../refusal.ts'
import { noSuperCredential } from './super-credentials.ts'

/** The tenant's credentials at an API server that is not its own. */
const refusedAt = async (what: string, place: Place, bench: Bench): Promise<Verdict> => {
  const { adminConnection, userToken } = bench
  const credentials: readonly (readonly [name: string, credential: Partial<KubeConnection>])[] = [
    ['token of a ServiceAccount', { token: () => userToken }],
    ...(adminConnection.clientCert !== undefined && adminConnection.clientKey !== undefined
      ? [
          [
            "administrator's certificate",
            { clientCert: adminConnection.clientCert, clientKey: adminConnection.clientKey },
          ] as const,
        ]
      : []),
  ]
  const open = await statusOf(placeOf(place), bench)
  // Without credentials it answers 401, or 403 to the anonymous: it is there, and it is the right authority.
  if (typeof open === 'string') return unknown(`${what} does not answer: ${open}`)
  const evidence: { layer: 'super' | 'tenant'; saw: string }[] = []
  for (const [name, credential] of credentials) {
    const at = await statusOf({ ...placeOf(adminConnection), ...credential }, bench)
    if (at !== 200) return unknown(`the ${name} does not work in its own tenant either: ${at}`)
    const there = await statusOf({ ...placeOf(place), ...credential }, bench)
    if (there === 200) return failed(`${what} takes the ${name} of this tenant`)
    if (there !== 401) return unknown(`${what} answers ${there} to the ${name}, where 401 was expected`)
    evidence.push({ layer: 'super', saw: `401 to the ${name}` })
  }
  return passed(`${what} does not know the credentials of this tenant`, evidence)
}

const secretsAbove = async (bench: Bench): Promise<Verdict> => {
  const { superSide, tenant, namespace, second, neighbour, controlPlaneNamespace, signal } = bench
  if (!superSide) return unknown('where super is was not said: --super-kubeconfig')
  const identity = superSide.client.as(tenantIdentity(tenant.uid))
  const listed = (at: string) =>
    answered(() => identity.list(resourceTypes.secrets, { namespace: at, limit: 1, metadataOnly: true, signal }), signal)
  const reachable = async (at: string) => (await listed(at)).kind === 'taken'
  const pods = await answered(
    () => identity.list(resourceTypes.pods, { namespace: superNamespace(tenant, namespace), limit: 1, signal }),
    signal,
  )
  if (pods.kind !== 'taken')
    return unknown(`the identity of the tenant has no rights in its own super namespace: ${pods.message}`)
  const places = [
    controlPlaneNamespace,
    systemNamespace,
    'kube-system',
    tenant.namespace,
    ...(neighbour ? [neighbour.controlPlaneNamespace] : []),
  ]
  const open: string[] = []
  for (const place of new Set(places)) if (await reachable(place)) open.push(place)
  const all = await answered(() => identity.list(resourceTypes.secrets, { limit: 1, metadataOnly: true, signal }), signal)
  if (all.kind === 'taken') open.push('all namespaces')
  const evidence = [{ layer: 'super', saw: `${new Set(places).size} namespaces asked, ${open.length} open` }] as const
  return open.length > 0
    ? failed(`the identity of the tenant in super reads Secrets of ${open.join(', ')}`, evidence)
    : passed(`the identity of the tenant in super reads no Secrets outside of its namespaces (${second} is one)`, evidence)
}

/** Our own: what the benchmark cannot ask, since it knows one cluster only. */
export const credentialChecks: readonly Check[] = [
  {
    id: 'BERTH-TI-1',
    title: "Refuse this tenant's credentials at another tenant's API",
    category: 'Tenant Isolation',
    origin: 'berth',
    run: async (bench) =>
      bench.neighbour
        ? refusedAt(`the API server of tenant ${bench.neighbour.name}`, bench.neighbour.connection, bench)
        : notApplicable('no other tenant is up'),
  },
  {
    id: 'BERTH-TI-2',
    title: "Refuse this tenant's credentials at super's API",
    category: 'Tenant Isolation',
    origin: 'berth',
    run: async (bench) =>
      bench.superSide
        ? refusedAt('the API server of super', bench.superSide.connection, bench)
        : unknown('where super is was not said: --super-kubeconfig'),
  },
  {
    id: 'BERTH-CPI-1',
    title: "Keep Secrets of control planes and of super from the tenant's identity there",
    category: 'Control Plane Isolation',
    origin: 'berth',
    run: secretsAbove,
  },
  {
    id: 'BERTH-CPI-2',
    title: "Keep super's credentials out of the tenant's control plane and pods",
    category: 'Control Plane Isolation',
    origin: 'berth',
    run: noSuperCredential,
  },
]
