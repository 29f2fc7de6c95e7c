import { createTokenBuckets } from '../kube/token-bucket.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { TenantRef } from '../tenancy/names.ts'
import { plain } from './answers.ts'
import { createCpuTotals } from './cpu-totals.ts'
import type { Kubelet } from './kubelet.ts'
import { type MetricsPath, metricRules } from './metric-rules.ts'
import type { NodeRead } from './node-routes.ts'
import type { PodIndex } from './pod-index.ts'
import type { TenantAnswer } from './super-answer.ts'
import { nodeLines, nodeUse, type TenantView, tenantMetrics } from './tenant-metrics.ts'
import type { TenantNamespaces } from './tenant-namespaces.ts'
import { isRunning, type NodePod, runningPodOf, tenantPodOf } from './tenant-pods.ts'
import { podsOfSummary, tenantSummary } from './tenant-summary.ts'

type Tenant = Pick<TenantRef, 'uid' | 'name'>

/** Answers what tenants read of this node. */
export interface NodeReads {
  /** Never rejects. */
  answer(tenant: Tenant, read: NodeRead): Promise<TenantAnswer>
}

export interface NodeReadsDeps {
  readonly kubelet: Kubelet
  readonly podIndex: PodIndex
  readonly namespaces: Pick<TenantNamespaces, 'nameFor' | 'ofTenant' | 'hasSynced'>
  readonly log: Log
  readonly now?: () => number
}

const answerMs = 20_000
/** Reads of a tenant: a scraper or two with all pages every few seconds. */
const perTenant = { burst: 60, refillMs: 100, keys: 2_000 }
/** Namespaces of one tenant that are asked about at a time. */
const askedAtOnce = 4
const textFormat = 'text/plain; version=0.0.4; charset=utf-8'

const json = (value: unknown): TenantAnswer => ({ status: 200, contentType: 'application/json', body: JSON.stringify(value) })

export const createNodeReads = ({
  kubelet,
  podIndex,
  namespaces,
  log,
  now = () => performance.now(),
}: NodeReadsDeps): NodeReads => {
  const budget = createTokenBuckets(perTenant)
  const [resourceTotals, summaryTotals] = [createCpuTotals(), createCpuTotals()]

  /** The tenant's pods in those of the namespaces that are its own. */
  const viewOf = async (
    tenant: Tenant,
    seen: Iterable<readonly [superNamespace: string, names: ReadonlySet<string> | undefined]>,
  ): Promise<TenantView & { readonly pods: readonly NodePod[] }> => {
    const signal = AbortSignal.timeout(answerMs)
    const wanted = [...seen].filter(([name]) => namespaces.nameFor(tenant, name) !== undefined)
    const found = new Map<string, ReadonlyMap<string, NodePod>>()
    const next = wanted[Symbol.iterator]()
    const work = async (): Promise<void> => {
      for (const [name, names] of next)
        found.set(name, await podIndex.podsIn(tenant, name, { signal, ...(names && { seen: names }) }))
    }
    await Promise.all(Array.from({ length: askedAtOnce }, work))
    return {
      namespaceOf: (name) => namespaces.nameFor(tenant, name),
      pod: (superNamespace, name) => found.get(superNamespace)?.get(name),
      pods: [...found.values()].flatMap((pods) => [...pods.values()]),
    }
  }

  const metrics = async (tenant: Tenant, path: MetricsPath): Promise<TenantAnswer> => {
    const rule = metricRules[path]
    const { at, content } = await kubelet.metrics(path)
    const view = await viewOf(tenant, rule.owner === 'pod' ? content.owners : [])
    const lines = [...tenantMetrics(content, rule, view)]
    if (path === '/metrics/resource') {
      const use = nodeUse(content, view)
      lines.push(...nodeLines(use, resourceTotals.add(tenant.uid, at, use.cpuSeconds), content.node))
    }
    return { status: 200, contentType: textFormat, body: lines.map((line) => `${line}\n`).join('') }
  }
  const summary = async (tenant: Tenant): Promise<TenantAnswer> => {
    const { at, content } = await kubelet.summary()
    const view = await viewOf(tenant, podsOfSummary(content))
    return json(tenantSummary(content, view, (pods) => summaryTotals.add(tenant.uid, at, pods)))
  }
  const pods = async (tenant: Tenant, running: boolean): Promise<TenantAnswer> => {
    const view = await viewOf(
      tenant,
      namespaces.ofTenant(tenant.uid).map((name) => [name, undefined] as const),
    )
    const items = running ? view.pods.filter(isRunning).map(runningPodOf) : view.pods.map(tenantPodOf)
    return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items })
  }

  const read = (tenant: Tenant, wanted: NodeRead): Promise<TenantAnswer> | TenantAnswer => {
    switch (wanted.kind) {
      case 'health':
        return { status: 200, contentType: 'text/plain; charset=utf-8', body: 'ok' }
      case 'metrics':
        return metrics(tenant, wanted.path)
      case 'summary':
        return summary(tenant)
      case 'pods':
        return pods(tenant, wanted.running)
    }
  }
  return {
    answer: async (tenant, wanted) => {
      if (!budget.take(tenant.uid, now())) return plain(429, 'too many requests; try again')
      if (!namespaces.hasSynced && wanted.kind !== 'health') return plain(503, 'not ready yet; try again')
      try {
        return await read(tenant, wanted)
      } catch (error) {
        log.error({ err: error, tenant: tenant.uid, read: wanted }, 'node cannot be read')
        return plain(
          error instanceof AppError && error.policy.http >= 500 ? error.policy.http : 502,
          'the node cannot be read now; try again',
        )
      }
    },
  }
}
