import { resourceTypes } from '../../apis/resource-types.ts'
import { type Bench, type Check, failed, passed, unknown, type Verdict } from '../check.ts'
import { answered } from '../refusal.ts'
import { type Act, actsWhere, actText, type Discovery, discover, mayI } from '../reviews.ts'
import { within } from '../wait.ts'

const rbac = 'rbac.authorization.k8s.io'
const most = 5

const listText = (acts: readonly Act[]): string =>
  `${acts.slice(0, most).map(actText).join(', ')}${acts.length > most ? ` and ${acts.length - most} more` : ''}`

/** Without any right of its own, "may not" would be true of everything. */
const hasOwnRights = ({ user: client, namespace, signal }: Bench): Promise<boolean> =>
  mayI({ verb: 'create', group: '', resource: 'pods', namespace }, { client, signal })

const noRights = unknown(
  'the ServiceAccount of the check has no rights in its own namespace, so that it has none elsewhere says nothing',
)

const except = ({ silent }: Discovery): string =>
  silent.length > 0 ? `; not asked of ${silent.join(', ')}, which do not answer` : ''

/** Passes when none of the acts is allowed. */
const noneAllowed = async (acts: readonly Act[], bench: Bench, note = ''): Promise<Verdict> => {
  if (!(await hasOwnRights(bench))) return noRights
  const { user: client, signal } = bench
  const allowed = await actsWhere(acts, true, (act) => mayI(act, { client, signal }))
  const evidence = [{ layer: 'tenant', saw: `${acts.length} access reviews, ${allowed.length} allowed` }] as const
  return allowed.length > 0
    ? failed(`allowed: ${listText(allowed)}${note}`, evidence)
    : passed(`none of ${acts.length} acts is allowed${note}`, evidence)
}

/** Passes when all of the acts are allowed. */
const allAllowed = async (acts: readonly Act[], { user: client, signal }: Bench): Promise<Verdict> => {
  const denied = await actsWhere(acts, false, (act) => mayI(act, { client, signal }))
  const evidence = [{ layer: 'tenant', saw: `${acts.length} access reviews, ${denied.length} denied` }] as const
  return denied.length > 0
    ? failed(`not allowed: ${listText(denied)}`, evidence)
    : passed(`all of ${acts.length} acts are allowed`, evidence)
}

/** Kubernetes itself lets every ServiceAccount read these (system:cluster-trust-bundle-discovery): certificates for all to trust. */
const isForAll = ({ verb, group, resource }: Act): boolean =>
  verb === 'get' && group === 'certificates.k8s.io' && resource === 'clustertrustbundles'

const readAndWrite = ['get', 'update'] as const

const namespacedActs = ({ types }: Discovery, verbs: readonly string[], namespace: string): readonly Act[] =>
  types
    .filter(({ namespaced, verbs: offered }) => namespaced && offered.includes('get'))
    .flatMap(({ group, plural }) => verbs.map((verb) => ({ verb, group, resource: plural, namespace })))

const verbsOf = (resources: readonly string[], group: string, verbs: readonly string[], namespace: string): readonly Act[] =>
  resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource, namespace })))

const write = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const

/** Who may do what in the tenant, as the benchmark's tenant admin. */
export const accessChecks: readonly Check[] = [
  {
    id: 'MTB-PL1-CC-CPI-1',
    title: 'Block access to cluster resources',
    category: 'Control Plane Isolation',
    origin: 'published',
    run: async (bench) => {
      const found = await discover({ client: bench.user, signal: bench.signal })
      const acts = found.types
        .filter(({ namespaced, verbs }) => !namespaced && verbs.includes('get'))
        .flatMap(({ group, plural }) => readAndWrite.map((verb) => ({ verb, group, resource: plural })))
        .filter((act) => !isForAll(act))
      return noneAllowed(acts, bench, `${except(found)}; clustertrustbundles are public and may be read`)
    },
  },
  {
    id: 'MTB-PL1-CC-TI-1',
    title: 'Block modification of resource quotas',
    category: 'Tenant Isolation',
    origin: 'published',
    run: (bench) => noneAllowed(verbsOf(['resourcequotas'], '', write, bench.namespace), bench),
  },
  {
    id: 'MTB-PL1-CC-TI-2',
    title: 'Block access to other tenant resources',
    category: 'Tenant Isolation',
    origin: 'published',
    run: async (bench) => {
      const found = await discover({ client: bench.user, signal: bench.signal })
      return noneAllowed(namespacedActs(found, readAndWrite, bench.second), bench, except(found))
    },
  },
  {
    id: 'MTB-PL2-BC-OPS-3',
    title: 'Create role bindings',
    category: 'Self-Service Operations',
    origin: 'published',
    run: (bench) =>
      allAllowed(verbsOf(['roles', 'rolebindings'], rbac, ['get', 'list', 'watch', ...write], bench.namespace), bench),
  },
  {
    id: 'MTB-PL2-BC-OPS-4',
    title: 'Create network policies',
    category: 'Self-Service Operations',
    origin: 'published',
    run: (bench) =>
      allAllowed(
        verbsOf(
          ['networkpolicies'],
          'networking.k8s.io',
          ['get', 'list', 'create', 'update', 'patch', 'delete'],
          bench.namespace,
        ),
        bench,
      ),
  },
  {
    id: 'MTB-PENDING-1202',
    title: 'Create self-service roles',
    category: 'Self-Service Operations',
    origin: 'pending',
    run: (bench) => selfServiceRoles(bench),
  },
]

/** A Role and a binding are made for real, and work; one with more rights than its maker has is refused. */
const selfServiceRoles = async ({ user, admin, namespace, waitMs, signal }: Bench): Promise<Verdict> => {
  const name = 'self-service'
  const role = {
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata: { name, namespace },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }],
  }
  const account = `system:serviceaccount:${namespace}:${name}`
  const made = await answered(async () => {
    await user.create(resourceTypes.roles, role, { signal })
    await user.create(
      resourceTypes.roleBindings,
      {
        metadata: { name, namespace },
        roleRef: { apiGroup: rbac, kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
      { signal },
    )
  }, signal)
  if (made.kind === 'unknown') return unknown(`a Role could not be made: ${made.message}`)
  if (made.kind === 'refused') return failed(`a Role of its own is refused: ${made.message}`)
  const as = { client: admin.as(account), signal }
  // An API server decides by copies of its own, which have the binding a moment later.
  const has = await within(
    async () => (await mayI({ verb: 'get', group: '', resource: 'configmaps', namespace }, as)) || undefined,
    { waitMs, signal },
  )
  const hasMore = await mayI({ verb: 'get', group: '', resource: 'secrets', namespace }, as)
  if (!has) return unknown('the Role is there, and its subject has not its right')
  if (hasMore) return failed('the subject of the Role has more rights than the Role gives')
  const everything = {
    ...role,
    metadata: { name: `${name}-beyond`, namespace },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  }
  const escalated = await answered(() => user.create(resourceTypes.roles, everything, { dryRun: true, signal }), signal)
  if (escalated.kind === 'taken') return failed('a Role may give more rights than its maker has')
  return passed('a Role and its binding were made and work, and none with more rights than its maker has', [
    { layer: 'tenant', saw: escalated.message },
  ])
}
