import { randomBytes } from 'node:crypto'
import type { KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, kindKey, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { isolationRunLabel } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { wordOf } from './attempt.ts'
import type { Bench, Control } from './check.ts'
import { mayI } from './reviews.ts'
import { renamed } from './specimens.ts'
import { within } from './wait.ts'

/** Who and what a bench is made of. */
export interface BenchParts
  extends Pick<
    Bench,
    | 'tenant'
    | 'controlPlaneNamespace'
    | 'settings'
    | 'classRules'
    | 'management'
    | 'superSide'
    | 'neighbour'
    | 'image'
    | 'waitMs'
    | 'signal'
    | 'adminConnection'
    | 'connect'
  > {
  readonly now: () => number
}

export interface OpenBench {
  readonly bench: Bench
  /** Removes all that was made, also after an abort. */
  readonly close: () => Promise<void>
}

const account = 'tenant-admin'
/** A run takes minutes at most; what is older was left by one that was killed. */
const staleSeconds = 15 * 60
const closeMs = 10_000
const ownName = /^isolation-check-[0-9a-f]{8}(-second)?$/
const ownDefinition = /^probes\.isolation-check-[0-9a-f]{8}\.berth\.example$/

const isStale = ({ metadata }: KubeObject, nowMs: number): boolean =>
  nowMs / 1000 - Number(metadata.labels?.[isolationRunLabel]) > staleSeconds

type Sweeping = Pick<BenchParts, 'now' | 'signal'>

const sweepNamespaces = async (client: KubeClient, { now, signal }: Sweeping): Promise<void> => {
  const { items } = await client.list(resourceTypes.namespaces, { labelSelector: isolationRunLabel, signal })
  for (const object of items)
    if (ownName.test(object.metadata.name ?? '') && isStale(object, now()))
      await client.delete(resourceTypes.namespaces, { name: object.metadata.name ?? '' }, { signal })
}

/** Takes away what runs that were killed have left in a tenant. A label alone is not believed: the tenant can write it. */
export const sweep = async (client: KubeClient, { now, signal }: Sweeping): Promise<void> => {
  await sweepNamespaces(client, { now, signal })
  const { items: definitions } = await client.list(resourceTypes.customResourceDefinitions, {
    labelSelector: isolationRunLabel,
    metadataOnly: true,
    signal,
  })
  for (const { metadata } of definitions)
    if (ownDefinition.test(metadata.name ?? '') && now() - Date.parse(metadata.creationTimestamp ?? '') > staleSeconds * 1000)
      await client.delete(resourceTypes.customResourceDefinitions, { name: metadata.name ?? '' }, { signal })
}

/** The compliant twin for real, once of each kind: without it nothing that is refused says anything. */
const controls = (parts: () => Bench) => {
  const made = new Map<string, Promise<Control>>()
  const make: Bench['control'] = async (type, object) => {
    const { user, admin, superSide, tenant, signal, namespace, waitMs } = parts()
    const name = `compliant-${type.kind.toLowerCase()}`
    const tenantObject = await user.create(type, renamed(object, name), { signal })
    if (!superSide) return { tenantObject, superObject: undefined }
    const ref = { name, namespace: superNamespace(tenant, namespace) }
    let why = 'it did not come into super, and nothing says why: is the syncer up?'
    const superObject = await within(
      async () => {
        const found = await superSide.client.get(type, ref, { signal })
        if (found) return { ...found, apiVersion: apiVersionOf(type), kind: type.kind }
        const { items } = await admin.list(resourceTypes.events, {
          namespace,
          fieldSelector: `involvedObject.name=${name}`,
          signal,
        })
        why = wordOf(items)?.message ?? why
        return undefined
      },
      { waitMs, signal },
    )
    if (!superObject)
      throw new AppError('DEADLINE_EXCEEDED', `control: the compliant ${type.kind} is not let through: ${why}`, {})
    return { tenantObject, superObject }
  }
  const control: Bench['control'] = (type, object) => {
    const key = kindKey(type)
    const known = made.get(key) ?? make(type, object)
    made.set(key, known)
    return known
  }
  return control
}

/** Makes two namespaces in the tenant and somebody who is admin in the first. Throws what the tenant's API answers. */
export const openBench = async (parts: BenchParts): Promise<OpenBench> => {
  const { adminConnection, superSide, waitMs, signal, now, connect } = parts
  const admin = connect(adminConnection)
  const clients: KubeClient[] = [admin]
  const namespace = `isolation-check-${randomBytes(4).toString('hex')}`
  const second = `${namespace}-second`
  const labels = { [isolationRunLabel]: String(Math.floor(now() / 1000)) }
  const namespaceObject = (name: string, more: Readonly<Record<string, string>> = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { ...labels, ...more } },
  })
  let foreign: Promise<string> | undefined

  const close = async (): Promise<void> => {
    // What was asked for before an abort may still be on its way.
    await foreign?.catch(() => '')
    const gone = { timeoutMs: closeMs }
    const removals = [
      ...[namespace, second].map((name) => admin.delete(resourceTypes.namespaces, { name }, gone)),
      ...(foreign && superSide ? [superSide.client.delete(resourceTypes.namespaces, { name: namespace }, gone)] : []),
    ]
    await Promise.allSettled(removals)
    await Promise.all(clients.map((client) => client.close()))
  }

  try {
    await sweep(admin, { now, signal })
    // Runs make no definitions there: who runs them needs no right to delete any.
    if (superSide) await sweepNamespaces(superSide.client, { now, signal })
    for (const name of [namespace, second]) await admin.create(resourceTypes.namespaces, namespaceObject(name), { signal })
    const metadata = { name: account, namespace }
    await admin.create(resourceTypes.serviceAccounts, { metadata }, { signal })
    await admin.create(
      resourceTypes.roleBindings,
      {
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
        subjects: [{ kind: 'ServiceAccount', ...metadata }],
      },
      { signal },
    )
    const asked = { metadata, spec: { expirationSeconds: 1800 } }
    const { status } = await admin.create<KubeObject>(resourceTypes.serviceAccounts, asked, { subresource: 'token', signal })
    const userToken: string = status.token
    const { clientCert: _cert, clientKey: _key, ...place } = adminConnection
    const user = connect({ ...place, token: () => userToken } satisfies KubeConnection)
    clients.push(user)
    // Its API server decides by copies of its own, which have the binding a moment later. Without rights the checks say so.
    const itsRight = { verb: 'create', group: '', resource: 'pods', namespace }
    await within(async () => (await mayI(itsRight, { client: user, signal })) || undefined, { waitMs, signal })
    // Pods are refused without it, whatever they are like.
    const standard = await within(() => admin.get(resourceTypes.serviceAccounts, { name: 'default', namespace }, { signal }), {
      waitMs,
      signal,
    })
    if (!standard)
      throw new AppError(
        'TENANT_UNREACHABLE',
        `namespace ${namespace} of the tenant got no default ServiceAccount: is its controller manager up?`,
        {},
      )
    const bench: Bench = {
      ...parts,
      admin,
      user,
      userToken,
      namespace,
      second,
      control: controls(() => bench),
      foreignNamespace: () => {
        foreign ??= (async () => {
          // The policy of option isolation-verify wants it so: pods there are none to gain anything by.
          const object = namespaceObject(namespace, { 'pod-security.kubernetes.io/enforce': 'restricted' })
          await superSide?.client.create(resourceTypes.namespaces, object, { signal })
          return namespace
        })()
        return foreign
      },
    }
    return { bench, close }
  } catch (error) {
    await close()
    throw error
  }
}
