import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { listPages } from '../kube/list-pages.ts'
import { AppError } from '../lib/errors.ts'
import { shortHash } from '../tenancy/names.ts'
import type { PodSecretMaker } from './pod-secrets.ts'
import { joinedBundles, selectedBundles, type TrustSource, trustSources } from './pods/secret-sources.ts'
import type { SyncDeps } from './sides.ts'

/** Bundles change seldom, and a kubelet looks at a volume once a minute: reading them now and then costs less than a watch per tenant. */
const lookAgainMs = 30_000
/** A pod that cannot start before its bundle is there does not wait for long. */
const missingAgainMs = 3_000
/** Twenty times what a Secret can hold of them: they are read anew each time. */
const mostBytes = 20 * 1024 * 1024
const listMs = 60_000
/** Nothing in it ends: it is compared. */
const neverMs = 10 * 365 * 24 * 3_600_000

const bundlesOf = async (
  sources: readonly TrustSource[],
  { tenant: { tenantClient } }: Pick<SyncDeps, 'tenant'>,
): Promise<readonly KubeObject[]> => {
  const type = resourceTypes.clusterTrustBundles
  if (sources.some(({ name }) => name === undefined)) {
    const bundles: KubeObject[] = []
    let bytes = 0
    const signal = AbortSignal.timeout(listMs)
    for await (const page of listPages(tenantClient, type, { limit: 500, signal })) {
      bundles.push(...page.items)
      bytes += page.bytes ?? 0
      if (bytes > mostBytes)
        throw new AppError('KUBE_TOO_LARGE', `the tenant's ClusterTrustBundles are over ${mostBytes} bytes of JSON`, {})
    }
    signal.throwIfAborted()
    return bundles
  }
  const names = [...new Set(sources.map(({ name = '' }) => name))]
  return (await Promise.all(names.map((name) => tenantClient.get(type, { name })))).filter((bundle) => bundle !== undefined)
}

/**
 * The tenant's trust bundles that a pod mounts (KEP-3257). Super's kubelet would look for them among super's own. A bundle that is missing and not optional
 * has no key in the Secret, so that the pod waits for its volume, as on any node.
 */
export const trustMaker: PodSecretMaker = {
  kind: 'trust',
  isWanted: (pod) => trustSources(pod).length > 0,
  make: async (pod, record, { tenant, now }) => {
    const sources = trustSources(pod)
    const all = await bundlesOf(sources, { tenant })
    const found = sources.map((source) => ({ source, bundles: selectedBundles(source, all) }))
    const missing = found.filter(({ source, bundles }) => bundles.length === 0 && !source.optional)
    for (const { source } of missing) {
      const what = source.name === undefined ? `of signer ${source.signerName} that the selector matches` : source.name
      tenant.recorder.record(pod, { type: 'Warning', reason: 'FailedMount', message: `there is no ClusterTrustBundle ${what}` })
    }
    const data = Object.fromEntries(
      found
        .filter((each) => !missing.includes(each))
        .map(({ source, bundles }) => [source.key, joinedBundles(bundles.map(({ spec }) => String(spec?.trustBundle ?? '')))]),
    )
    const againAfterMs = missing.length > 0 ? missingAgainMs : lookAgainMs
    const hash = shortHash(Object.entries(data).flat())
    if (record?.hash === hash && (record.renewAt ?? 0) > now()) return { kind: 'unchanged', againAfterMs }
    return { kind: 'content', data, hash, renewAt: now() + neverMs, againAfterMs }
  },
}
