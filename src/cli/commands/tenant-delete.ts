import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { KubeList, KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient, ListOptions } from '../../kube/client.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import { type AccessOptions, openAccess, openSuper, type SuperOptions } from '../access.ts'
import { ask } from '../ask.ts'
import { refuseByApi, withApi } from '../by-api/open.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type FarewellFacts, farewellOf, farewellText } from '../farewell.ts'
import type { CliHost } from '../host.ts'
import { waitFor } from '../wait-for.ts'
import { readTenant } from './tenants.ts'

export interface DeleteOptions extends AccessOptions, SuperOptions {
  readonly yes?: boolean
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

const type = resourceTypes.tenantControlPlanes
const lookMs = 5000

/** What cannot be read, because nobody may or nobody answers, is no reason not to delete. */
const listIfCan = async <T extends KubeObject>(
  client: KubeClient,
  of: ResourceType,
  options: ListOptions,
): Promise<readonly T[] | undefined> => {
  const none = (): KubeList<T> | undefined => undefined
  return (await client.list<T>(of, { ...options, timeoutMs: lookMs }).catch(none))?.items
}

const factsOf = async (
  plane: TenantControlPlane,
  { client, superClient, signal }: { client: KubeClient; superClient: KubeClient | undefined; signal: AbortSignal },
): Promise<FarewellFacts> => {
  const { uid, namespace = '' } = plane.metadata
  const [namespaces, volumes, snapshots] = await Promise.all([
    superClient &&
      listIfCan(superClient, resourceTypes.namespaces, { labelSelector: `${tenantLabel}=${uid}`, metadataOnly: true, signal }),
    superClient && listIfCan(superClient, resourceTypes.persistentVolumes, { signal }),
    listIfCan<ControlPlaneSnapshot>(client, resourceTypes.controlPlaneSnapshots, { namespace, signal }),
  ])
  return { plane, superNamespaces: namespaces?.map(({ metadata }) => metadata.name ?? ''), volumes, snapshots }
}

const untilGone = async (
  { metadata: { name = '', namespace = '', uid } }: TenantControlPlane,
  { client, timeout, host }: { client: KubeClient; timeout: number; host: CliHost },
): Promise<ExitCode> => {
  const look = async () => {
    const seen = await client.get<TenantControlPlane>(type, { name, namespace }, { signal: host.signal })
    // A new one of its name is another one.
    if (seen?.metadata.uid !== uid) return { message: 'it is gone', code: exitCodes.done }
    const deleting = seen?.status?.conditions?.find((condition) => condition.type === 'Deleting')
    return { message: deleting?.message ?? 'waits for the manager' }
  }
  const late = (message: string) =>
    `tenant ${name} is not gone after ${timeout} s: ${message}. It goes on by itself; berth tenant get ${name} shows how`
  return waitFor(`tenant ${name}`, look, { timeout, late }, host)
}

/** Says what goes and what stays, asks for the name unless told not to, and deletes that very tenant. */
export const deleteTenant = async (name: string, options: DeleteOptions, host: CliHost): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) => {
    refuseByApi({ '--super-kubeconfig': options.superKubeconfig })
    return (await import('../by-api/tenant-life.ts')).deleteTenantByApi(name, options, access, host)
  })
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  const clients = [client]
  try {
    const plane = await readTenant(client, { name, namespace }, host.signal)
    const apart = await openSuper(options, host.env)
    if (apart) clients.push(apart)
    // Without a word on where super is, an other cluster than this has nothing of the tenant to tell.
    const superClient = apart ?? (plane.status?.superCluster?.isApart ? undefined : client)
    const facts = await factsOf(plane, { client, superClient, signal: host.signal })
    host.stderr.write(farewellText(name, farewellOf(facts)))
    if (!options.yes) {
      const answer = await ask(`Type the name of the tenant to delete it: `, { otherwise: 'say --yes to delete it' }, host)
      if (answer !== name) {
        host.stderr.write('nothing is deleted\n')
        return exitCodes.differs
      }
    }
    const { uid } = plane.metadata
    await client.delete(type, { name, namespace }, { ...(uid !== undefined && { uid }), signal: host.signal })
    host.stderr.write(`tenant ${name} is being deleted\n`)
    return options.wait ? await untilGone(plane, { client, timeout: options.timeout, host }) : exitCodes.done
  } finally {
    await Promise.all(clients.map((each) => each.close()))
  }
}
