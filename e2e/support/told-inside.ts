import type { Said } from '../../hack/leaks.ts'
import type { KubeObject } from '../../src/apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { parseKubeconfig } from '../../src/kube/kubeconfig.ts'
import { createKubeClient } from '../../src/kube/undici-client.ts'

/** What Berth writes to in a tenant, and Events, which are words only. */
const kinds = [
  resourceTypes.events,
  resourceTypes.namespaces,
  resourceTypes.nodes,
  resourceTypes.pods,
  resourceTypes.services,
  resourceTypes.configMaps,
  resourceTypes.persistentVolumeClaims,
  resourceTypes.persistentVolumes,
  resourceTypes.ingresses,
  resourceTypes.leases,
]
/** What the tenant's own people wrote, who may know their own keys. */
const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** The words of an Event, and of another object what others than its maker say of it. */
const wordsOf = (type: ResourceType, object: KubeObject): string => {
  if (type === resourceTypes.events) return JSON.stringify(object)
  const { [appliedAnnotation]: _applied, ...annotations } = object.metadata.annotations ?? {}
  const { labels, finalizers } = object.metadata
  return JSON.stringify({ annotations, labels, finalizers, status: object.status })
}

const saidBy = async (client: KubeClient, tenant: string): Promise<readonly Said[]> => {
  const lists = await Promise.all(kinds.map(async (type) => ({ type, items: (await client.list(type)).items })))
  return lists.flatMap(({ type, items }) =>
    items.map((object) => ({
      place: `in tenant ${tenant}: ${type.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`,
      text: wordsOf(type, object),
    })),
  )
}

interface Inside {
  readonly said: readonly Said[]
  /** Tenants that gave no answer, each with the reason. */
  readonly silent: readonly string[]
}

const isReady = ({ status }: KubeObject): boolean =>
  (status?.conditions as readonly { type: string; status: string }[] | undefined)?.some(
    (each) => each.type === 'Ready' && each.status === 'True',
  ) === true

/** What stands in the clear in the own clusters of tenants that are ready, by their administrators' kubeconfigs. A story may leave one whose server is not there. */
export const saidInside = async (superSide: KubeClient): Promise<Inside> => {
  const { items: planes } = await superSide.list(resourceTypes.tenantControlPlanes)
  const silent: string[] = []
  const ask = async ({ metadata: { name = '', namespace = '' } }: KubeObject): Promise<readonly Said[]> => {
    const secret = await superSide.get<KubeObject>(resourceTypes.secrets, { name: `${name}-kubeconfig`, namespace })
    const kubeconfig = Buffer.from(String(secret?.data?.['value'] ?? ''), 'base64').toString('utf8')
    const client = createKubeClient(parseKubeconfig(kubeconfig), { userAgent: 'berth-e2e', timeoutMs: 5_000 })
    try {
      return await saidBy(client, name)
    } finally {
      await client.close()
    }
  }
  const said = await Promise.all(
    planes.filter(isReady).map((plane) =>
      ask(plane).catch((error: unknown) => {
        silent.push(`tenant ${plane.metadata.name} (${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)})`)
        return []
      }),
    ),
  )
  return { said: said.flat(), silent }
}
