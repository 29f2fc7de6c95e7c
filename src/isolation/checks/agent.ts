import { z } from 'zod'
import { resourceTypes } from '../../apis/resource-types.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import { type Bench, type Check, failed, passed, unknown, type Verdict } from '../check.ts'
import { serve } from '../running-pods.ts'

const podList = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string(), uid: z.string() }) })),
})

/** What the kubelet offers and no tenant may have. */
const closed = ['configz', 'debug/pprof/', 'logs/', 'flagz', 'allocatedPods', 'metrics/slis'] as const
/** What it offers of all pods, and a tenant may have of its own. */
const filtered = ['metrics', 'metrics/resource', 'metrics/cadvisor', 'metrics/probes', 'stats/summary'] as const

/** Which of the names stand in a text as a whole value: `pod="web"`, `"name": "web"`. */
export const namesIn = (text: string, names: Iterable<string>): readonly string[] => {
  const values = new Set([...text.matchAll(/"([^"\\\n]*)"/g)].map(([, value]) => value))
  return [...names].filter((name) => values.has(name))
}

/**
 * A tenant's administrator may ask its own API server for `nodes/proxy`, which goes to vn-agent with the certificate of this tenant's control plane: so every
 * path can be asked for, with the tenant's identity.
 */
const foreignPods = async (bench: Bench): Promise<Verdict> => {
  const { admin, superSide, tenant, namespace, signal } = bench
  if (!superSide) return unknown('where super is was not said: --super-kubeconfig')
  const own = await serve('agent', { client: admin, namespace, bench })
  const node: string = own.spec.nodeName
  const ask = (path: string) => admin.raw(`/api/v1/nodes/${encodeURIComponent(node)}/proxy/${path}`, { signal })
  const control = await ask(`containerLogs/${namespace}/agent/main`)
  if (control.status !== 200)
    return unknown(`logs of its own pod are not to be had either: ${control.status} ${control.body.slice(0, 200)}`)
  const { items } = await superSide.client.list(resourceTypes.pods, {
    fieldSelector: `spec.nodeName=${node},status.phase=Running`,
    labelSelector: `${tenantLabel}!=${tenant.uid}`,
    signal,
  })
  const [foreign] = items
  if (!foreign) return unknown(`node ${node} has no pod of anybody else to ask for`)
  const { namespace: at = '', name = '' } = foreign.metadata
  const container: string = foreign.spec.containers[0].name
  const paths = [`containerLogs/${at}/${name}/${container}`, `containerLogs/..%2f${at}/${name}/${container}`, ...closed]
  const open: string[] = []
  for (const path of paths) {
    const { status } = await ask(path)
    if (status === 200) open.push(path)
    else if (status >= 500) return unknown(`${path} answers ${status}: nothing was decided`)
  }
  const [{ body, status }, { items: mine }] = await Promise.all([ask('pods'), admin.list(resourceTypes.pods, { signal })])
  if (status !== 200) return unknown(`the node's pods are not to be had: ${status}`)
  const ownNames = new Set(mine.map(({ metadata }) => metadata.name))
  const foreignNames = new Set(items.map(({ metadata }) => metadata.name ?? '').filter((each) => !ownNames.has(each)))
  for (const path of filtered) {
    const answer = await ask(path)
    if (answer.status === 200) open.push(...namesIn(answer.body, foreignNames).map((each) => `pod ${each} in ${path}`))
  }
  const known = new Set(mine.map(({ metadata }) => metadata.uid))
  const strangers = podList.parse(JSON.parse(body)).items.filter(({ metadata }) => !known.has(metadata.uid))
  open.push(...strangers.map(({ metadata }) => `pod ${metadata.namespace}/${metadata.name} in the list of pods`))
  const evidence = [
    { layer: 'agent', saw: `${paths.length + filtered.length + 1} paths of node ${node}, ${open.length} open` },
  ] as const
  return open.length > 0
    ? failed(`the node shows what is not the tenant's: ${open.join(', ')}`, evidence)
    : passed("the node shows the tenant's pods only", evidence)
}

export const agentChecks: readonly Check[] = [
  {
    id: 'BERTH-HI-1',
    title: 'Keep pods of others and the kubelet itself behind vn-agent',
    category: 'Host Isolation',
    origin: 'berth',
    run: foreignPods,
  },
]
