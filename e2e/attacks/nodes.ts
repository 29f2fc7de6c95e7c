import { apply, superKubectl, type Thing, world } from '../support/kubectl.ts'
import { idle, pod, shell, webServer } from '../support/objects.ts'
import { podReady, waitFor } from '../support/wait.ts'
import type { Attack } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { said, settled } from './ways.ts'

/** A machine of super's that each tenant sees. */
export const aNode = (): string => world().nodes[0]?.name ?? ''

/** Merges into the status of the tenant's copy of the Node. */
const patchStatus = ({ attacker }: Ground, status: object): Promise<string> =>
  attacker.kubectl(['patch', 'node', aNode(), '--type=merge', '--subresource=status', '-p', JSON.stringify({ status })])
const hasCapacity = ({ status }: Thing, resource: string): boolean =>
  Object.hasOwn((status?.['capacity'] ?? {}) as object, resource)

/**
 * What super's Node says, before an attack on the tenant's copy and after the syncer has dealt with it. `isSeen` holds of the copy once the syncer has answered
 * the attack. One Node's turns come one after the other: that a change made after that is put right as well says that all the first turn did is done.
 */
const untouchedNode = async (
  attempt: () => Promise<unknown>,
  isSeen: (node: Thing) => boolean,
  ground: Ground,
): Promise<string> => {
  const { attacker } = ground
  const read = (): Promise<string> =>
    superKubectl([
      'get',
      'node',
      aNode(),
      '-o',
      'jsonpath={.metadata.uid} {.metadata.labels} {.spec} {.status.addresses} {.status.capacity} {.status.daemonEndpoints}',
    ])
  const before = await read()
  await attempt()
  await settled(attacker, ['node', aNode()], isSeen)
  await patchStatus(ground, { capacity: { 'example.com/later': '1' } })
  await settled(attacker, ['node', aNode()], (node) => !hasCapacity(node, 'example.com/later'))
  return (await read()) === before ? "super's Node is what it was" : await read()
}
const untouched = /^super's Node is what it was$/

/** Its pods of the ground, which a taint may have driven out, made anew. */
const restorePods = async ({ attacker: { kubectl } }: Ground): Promise<void> => {
  const names = (): Promise<string> => kubectl(['get', 'pods', '-n', shop, '-o', 'jsonpath={.items[*].metadata.name}'])
  for (const [name, container] of [
    ['web', webServer()],
    ['box', shell(idle)],
  ] as const) {
    const leaving = ['get', 'pod', name, '-n', shop, '--ignore-not-found', '-o', 'jsonpath={.metadata.deletionTimestamp}']
    await waitFor(`${name} to be gone, or to stay`, async () => (await kubectl(leaving)) === '')
    if (!(await names()).split(' ').includes(name)) await apply(kubectl, pod(shop, name, container))
  }
  await podReady(kubectl, shop, 'web', 'box')
}

/** Edits of the tenant's copies of super's Nodes. */
export const nodeAttacks: readonly Attack[] = [
  {
    name: 'the address of a Node, so that the API server dials another machine',
    as: 'admin',
    attempt: (ground) =>
      untouchedNode(
        () =>
          patchStatus(ground, {
            addresses: [{ type: 'InternalIP', address: '169.254.169.254' }],
            daemonEndpoints: { kubeletEndpoint: { Port: 80 } },
          }),
        ({ status }) => !JSON.stringify(status?.['addresses']).includes('169.254'),
        ground,
      ),
    refusal: untouched,
  },
  {
    name: 'a Node of its own, in front of a kubelet',
    as: 'admin',
    attempt: async ({ attacker: { kubectl } }) => {
      await apply(kubectl, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'evil' } })
      const status = {
        addresses: [{ type: 'InternalIP', address: world().nodes[0]?.ip }],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      }
      await said(kubectl(['patch', 'node', 'evil', '--type=merge', '--subresource=status', '-p', JSON.stringify({ status })]))
      const answer = await said(kubectl(['get', '--raw', '/api/v1/nodes/evil/proxy/pods'], { timeoutMs: 60_000 }))
      await kubectl(['delete', 'node', 'evil', '--ignore-not-found'])
      const inSuper = await superKubectl(['get', 'node', 'evil', '--ignore-not-found', '-o', 'name'])
      return `${answer}\n${inSuper || 'none in super'}`
    },
    refusal: /(error|not found|Unauthorized|unable|unavailable|refused|unknown)[\s\S]*none in super$/i,
  },
  {
    name: "super's machine for its pods alone, by taint and cordon",
    as: 'admin',
    attempt: async (ground) => {
      const { kubectl } = ground.attacker
      try {
        return await untouchedNode(
          () => kubectl(['taint', 'node', aNode(), 'evil=yes:NoExecute']).then(() => kubectl(['cordon', aNode()])),
          // The syncer's answer to a cordon: no controller of a tenant's puts this taint on a Node.
          ({ spec }) => JSON.stringify(spec?.['taints'] ?? []).includes('node.kubernetes.io/unschedulable'),
          ground,
        )
      } finally {
        await kubectl(['uncordon', aNode()])
        await kubectl(['taint', 'node', aNode(), 'evil-'])
        await restorePods(ground)
      }
    },
    refusal: untouched,
  },
  {
    name: 'capacity that no machine has',
    as: 'admin',
    attempt: (ground) =>
      untouchedNode(
        () => patchStatus(ground, { capacity: { 'example.com/gold': '1k' } }),
        (node) => !hasCapacity(node, 'example.com/gold'),
        ground,
      ),
    refusal: untouched,
  },
  {
    name: 'a Node deleted',
    as: 'admin',
    attempt: (ground) =>
      untouchedNode(
        () => ground.attacker.kubectl(['delete', 'node', aNode(), '--wait=false']),
        ({ metadata }) => metadata.name === aNode(),
        ground,
      ),
    refusal: untouched,
  },
]
