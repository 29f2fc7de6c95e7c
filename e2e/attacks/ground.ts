import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { superNamespace, workloadServiceAccount } from '../../src/tenancy/names.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from '../support/kubectl.ts'
import { idle, namespace, pod, secret, service, shell, webServer } from '../support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from '../support/tenant.ts'
import { podReady, waitFor } from '../support/wait.ts'

/** Two tenants of one super: one that means harm, and one that must not feel it. Both have a namespace `shop` with the same names in it. */
export interface Ground {
  readonly attacker: Tenant
  readonly neighbour: Tenant
  /** What only the neighbour has, in a Secret that its pod mounts. Nothing that the attacker is answered may hold it. */
  readonly treasure: string
  /** Address of the neighbour's pod `web`, which answers on port 8080. */
  readonly neighbourPodIp: string
  /** Throws when anything of the neighbour's in super is not what it was, or its pods, names, logs or API do not answer. */
  readonly expectUnharmed: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Namespace of both tenants. */
export const shop = 'shop'
const treasureSecret = 'treasure'

const watched = [
  'pods',
  'services',
  'secrets',
  'configmaps',
  'serviceaccounts',
  'rolebindings',
  'networkpolicies',
  'persistentvolumeclaims',
]

/** What there is of the neighbour in super, without what moves by itself. */
const inventory = async (tenant: Tenant): Promise<Readonly<Record<string, string>>> => {
  const things = await listJson(superKubectl, [watched.join(','), '-n', superNamespace(tenant, shop)])
  const rows = things.map(({ kind, metadata, spec, data, ...rest }) => {
    const { name, uid, labels, annotations } = metadata
    const { roleRef, subjects } = rest as { roleRef?: unknown; subjects?: unknown }
    const content = JSON.stringify([labels, annotations, spec, data, roleRef, subjects])
    return [`${kind}/${name}`, `${uid} ${createHash('sha256').update(content).digest('hex').slice(0, 16)}`] as const
  })
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const fill = async (tenant: Tenant, treasure: string): Promise<void> => {
  await apply(
    tenant.kubectl,
    namespace(shop),
    secret(shop, treasureSecret, { word: treasure }),
    service(shop, 'web'),
    pod(shop, 'web', webServer({ volumeMounts: [{ name: 'treasure', mountPath: '/treasure' }] }), {
      volumes: [{ name: 'treasure', secret: { secretName: treasureSecret } }],
    }),
    pod(shop, 'box', shell(idle)),
  )
  await podReady(tenant.kubectl, shop, 'web', 'box')
}

/** Whether the tenant's own pod finds the tenant's own Service by its name: logs, exec, DNS, Service and API server in one. */
const isServed = async ({ kubectl }: Tenant): Promise<boolean> => {
  const call = ['exec', 'box', '-n', shop, '--', 'timeout', '5', 'wget', '-q', '-O-', 'http://web/hostname']
  return (await kubectl(call, { timeoutMs: 20_000 })) === 'web'
}

/**
 * Makes both tenants side by side. `name` is the start of their names.
 * @param isolation of the attacker, as `spec.isolation`.
 */
export const openGround = async (name: string, isolation: object = {}): Promise<Ground> => {
  const names = [`${name}-attacker`, `${name}-neighbour`] as const
  const [attacker, neighbour] = await Promise.all([createTenant(names[0], { isolation }), createTenant(names[1])])
  const treasure = `treasure-${neighbour.uid}`
  await Promise.all([fill(attacker, 'nothing'), fill(neighbour, treasure)])
  for (const tenant of [attacker, neighbour]) await waitFor(`${tenant.name} to be served`, () => isServed(tenant))
  const { status } = await getJson<Thing & { status: { podIP: string } }>(neighbour.kubectl, ['pod', 'web', '-n', shop])
  // What the syncer makes on its own account after the pods are there, such as token Secrets, is part of what must stay.
  const before = await waitFor('the neighbour to come to rest', async () => {
    const seen = await inventory(neighbour)
    return Object.keys(seen).includes(`ServiceAccount/${workloadServiceAccount}`) ? seen : undefined
  })
  return {
    attacker,
    neighbour,
    treasure,
    neighbourPodIp: status.podIP,
    expectUnharmed: async () => {
      expect(await inventory(neighbour)).toEqual(before)
      await waitFor('the neighbour to be served', () => isServed(neighbour), { deadlineMs: 20_000 })
    },
    close: () => deleteTenants(...names),
  }
}
