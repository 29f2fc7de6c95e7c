import { resourceTypes } from '../../apis/resource-types.ts'
import type { IsolationSettings } from '../../tenancy/isolation.ts'
import { type Bench, type Check, failed, passed, unknown, type Verdict } from '../check.ts'
import { answered } from '../refusal.ts'
import { within } from '../wait.ts'

/** Which of the wanted amounts no key limits; `cpu` is limited by `requests.cpu` and `limits.cpu` as well. */
export const unlimited = (wanted: readonly string[], keys: readonly string[]): readonly string[] =>
  wanted.filter((name) => !keys.some((key) => [name, `requests.${name}`, `limits.${name}`, `count/${name}`].includes(key)))

const amounts = ['cpu', 'memory', 'ephemeral-storage'] as const
const objects = [
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
] as const

const strict: readonly IsolationSettings['profile'][] = ['restricted', 'sandboxed']

/** A profile for those who are not trusted wants a quota; of others it is the operator's choice to set none. */
const whileUnset = ({ profile, quota: { hard } }: IsolationSettings): string | undefined =>
  Object.keys(hard).length === 0 && !strict.includes(profile)
    ? `quota.hard is empty, as it may be at profile ${profile}`
    : undefined

/** Where a tenant reads its limits over all its namespaces (`syncer/quota/quota-view.ts`): everybody in it may. */
const view = { name: 'tenant-quota', namespace: 'kube-public' } as const

/** Names of `name: quantity` lines. */
const namesIn = (lines: unknown): readonly string[] =>
  typeof lines === 'string' ? lines.split('\n').flatMap((line) => /^(\S+): \S/.exec(line)?.[1] ?? []) : []

/**
 * The tenant can read its quota, of a namespace or of all of them together, and it has a limit for each of these. The benchmark looks for ResourceQuotas; a limit over
 * all namespaces is none of these, and holds in each of them.
 */
const hasQuota =
  (wanted: readonly string[]) =>
  async ({ user, namespace, settings, signal, waitMs }: Bench): Promise<Verdict> => {
    const keysNow = async (): Promise<readonly string[]> => {
      const { items } = await user.list(resourceTypes.resourceQuotas, { namespace, signal })
      const whole = await user.get(resourceTypes.configMaps, view, { signal })
      return [...namesIn(whole?.data?.hard), ...items.flatMap(({ spec }) => Object.keys(spec?.hard ?? {}))]
    }
    const readable = await answered(keysNow, signal)
    if (readable.kind === 'unknown') return unknown(`quotas could not be read: ${readable.message}`)
    if (readable.kind === 'refused') return failed(`the tenant may not read its quotas: ${readable.message}`)
    // It is told a moment after it is set; none is waited for that is not.
    const isSet = unlimited(wanted, Object.keys(settings.quota.hard)).length === 0
    const done = await within(async () => (unlimited(wanted, await keysNow()).length === 0 ? true : undefined), {
      signal,
      waitMs: isSet ? waitMs : 0,
    })
    const keys = [...new Set(await keysNow())]
    const evidence = [{ layer: 'tenant', saw: `limits of ${keys.join(', ') || 'nothing'}` }] as const
    return done
      ? passed(`the tenant reads limits of ${wanted.join(', ')}`, evidence)
      : failed(`no quota of the tenant limits ${unlimited(wanted, keys).join(', ')}: set spec.isolation.quota.hard`, evidence)
  }

export const quotaChecks: readonly Check[] = [
  {
    id: 'MTB-PL1-CC-FNS-1',
    title: 'Configure namespace resource quotas',
    category: 'Fairness',
    origin: 'published',
    excused: whileUnset,
    run: hasQuota(amounts),
  },
  {
    id: 'MTB-PL1-CC-FNS-2',
    title: 'Configure namespace object limits',
    category: 'Fairness',
    origin: 'published',
    excused: whileUnset,
    run: hasQuota(objects),
  },
]
