import { expect } from 'vitest'
import {
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
} from '../../src/tenancy/marks.ts'
import { superNamespace } from '../../src/tenancy/names.ts'
import { agentClientKeys, askAgent, dialAgent } from '../support/agent-client.ts'
import { apply, superKubectl, world } from '../support/kubectl.ts'
import { idle, pod, shell } from '../support/objects.ts'
import type { Tenant } from '../support/tenant.ts'
import { podReady } from '../support/wait.ts'
import type { Attack, AttackSet } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { fieldOf, remove, said, type Written } from './ways.ts'

// Pods that run in the attacker's own super namespace without being the attacker's. Super lets the attacker's identity into each pod of that namespace: only the
// marks on a pod say that it is none of its business.

/** A UID of no object. */
const nobody = '00000000-0000-4000-8000-000000000000'

/** Marks that are the attacker's but in one thing. `uid`: of the tenant that the label names. */
interface Marks {
  readonly uid?: string
  readonly namespace: string
  readonly name: string
}
interface Stray {
  readonly name: string
  readonly what: string
  readonly marks: (ground: Ground) => Marks
}
const neighbours: Stray = {
  name: 'stray-neighbour',
  what: "that is marked as the neighbour's",
  marks: ({ neighbour: { uid } }) => ({ uid, namespace: shop, name: 'stray-neighbour' }),
}
const strays: readonly Stray[] = [
  neighbours,
  { name: 'stray-nobody', what: "that has no tenant's label", marks: () => ({ namespace: shop, name: 'stray-nobody' }) },
  {
    name: 'stray-namespace',
    what: 'that is marked as one of another namespace',
    marks: ({ attacker: { uid } }) => ({ uid, namespace: 'elsewhere', name: 'stray-namespace' }),
  },
  {
    name: 'stray-name',
    what: 'that is marked as one of another name',
    marks: ({ attacker: { uid } }) => ({ uid, namespace: shop, name: 'other' }),
  },
]

const superPod = (ground: Ground, { name, marks }: Stray): object => {
  const { uid, namespace, name: marked } = marks(ground)
  return pod(superNamespace(ground.attacker, shop), name, shell(`echo treasure of ${name}; ${idle}`), {
    labels: uid === undefined ? {} : { [tenantLabel]: uid },
    annotations: {
      [tenantNamespaceAnnotation]: namespace,
      [tenantNameAnnotation]: marked,
      [tenantObjectUidAnnotation]: nobody,
    },
    automountServiceAccountToken: false,
  })
}

/** What vn-agent of a node says at its four doors to the attacker's API server: status and body, `101` alone for an open stream. */
const doors = async (node: string, name: string, { attacker }: Pick<Ground, 'attacker'>, uid?: string): Promise<string> => {
  const keys = await agentClientKeys(attacker.controlPlaneNamespace, 'kube-apiserver-keys')
  const ip = world().nodes.find((each) => each.name === node)?.ip ?? ''
  const place = `${shop}/${name}${uid === undefined ? '' : `/${uid}`}`
  const answers: string[] = []
  // A log's address never says a UID.
  if (uid === undefined) {
    const { status, body } = await askAgent(ip, `/containerLogs/${place}/main`, keys)
    answers.push(`log ${status} ${body}`)
  }
  answers.push(`exec ${await dialAgent(ip, `/exec/${place}/main?command=id&output=1`, keys)}`)
  answers.push(`attach ${await dialAgent(ip, `/attach/${place}/main?output=1`, keys)}`)
  answers.push(`port-forward ${await dialAgent(ip, `/portForward/${place}?port=8080`, keys)}`)
  return answers.map((answer) => answer.trim()).join(', ')
}
const openStreams = 'exec 101, attach 101, port-forward 101'
const closedStreams = 'exec 404 not found, attach 404 not found, port-forward 404 not found'

const nodeOf = ({ kubectl }: Pick<Tenant, 'kubectl'>, namespace: string, name: string): Promise<string> =>
  kubectl(['get', 'pod', name, '-n', namespace, '-o', 'jsonpath={.spec.nodeName}'])
const nodeOfStray = (ground: Ground, name: string): Promise<string> =>
  nodeOf({ kubectl: superKubectl }, superNamespace(ground.attacker, shop), name)

const atAgent = (stray: Stray): Attack => ({
  name: `log, exec, attach and port-forward at vn-agent, of a pod ${stray.what}`,
  as: 'admin',
  attempt: async (ground) => doors(await nodeOfStray(ground, stray.name), stray.name, ground),
  refusal: new RegExp(`^log 404 not found, ${closedStreams}$`),
})

/** kubectl on a pod of the attacker's, once for each door. Each comes to an end by itself where it is refused. */
const byKubectl = async ({ kubectl }: Tenant, name: string): Promise<string> => {
  const calls = [
    ['logs', name],
    ['exec', name, '--', 'hostname'],
    ['attach', name],
    ['port-forward', `pod/${name}`, ':8080'],
  ]
  const answers: string[] = []
  for (const call of calls) answers.push(`${call[0]}: ${await said(kubectl([...call, '-n', shop], { timeoutMs: 20_000 }))}`)
  return answers.join('\n')
}

/** A pod of the attacker's, made anew under the same name, and the UID that it has now. */
const fresh = async (attacker: Tenant, name: string): Promise<string> => {
  const object = pod(shop, name, shell(idle))
  await remove(attacker, object as Written)
  await apply(attacker.kubectl, object)
  await podReady(attacker.kubectl, shop, name)
  return fieldOf(attacker, ['pod', name, '-n', shop], '.metadata.uid')
}

export const strayAttacks: AttackSet = {
  attacks: [
    ...strays.map(atAgent),
    {
      name: `log, exec, attach and port-forward by its own API server, of a pod ${neighbours.what} and has the name of one of its own`,
      as: 'admin',
      attempt: async (ground) => {
        const { attacker } = ground
        const { name } = neighbours
        const own = pod(shop, name, shell(idle), { nodeName: await nodeOfStray(ground, name) })
        await apply(attacker.kubectl, own)
        try {
          // Or kubectl would not even ask for a port of it.
          const status = JSON.stringify({ status: { phase: 'Running' } })
          await attacker.kubectl(['patch', 'pod', name, '-n', shop, '--subresource=status', '--type=merge', '-p', status])
          return await byKubectl(attacker, name)
        } finally {
          await remove(attacker, own as Written)
        }
      },
      // Of a log kubectl says so in words of its own.
      refusal:
        /^logs: .*could not find the requested resource.*^exec: .*not found.*^attach: .*not found.*^port-forward: .*not found/ims,
    },
    {
      name: 'exec, attach and port-forward at vn-agent by the UID of a pod that was there before one of the same name',
      as: 'admin',
      attempt: async (ground, evil) => {
        const { attacker } = ground
        try {
          const first = await fresh(attacker, evil)
          const before = await doors(await nodeOf(attacker, shop, evil), evil, ground, first)
          const second = await fresh(attacker, evil)
          const node = await nodeOf(attacker, shop, evil)
          return [
            `while it lived: ${before}`,
            `its UID after: ${await doors(node, evil, ground, first)}`,
            `the UID of the other: ${await doors(node, evil, ground, second)}`,
          ].join('\n')
        } finally {
          await remove(attacker, pod(shop, evil, {}) as Written)
        }
      },
      refusal: new RegExp(
        `^while it lived: ${openStreams}\nits UID after: ${closedStreams}\nthe UID of the other: ${openStreams}$`,
      ),
    },
  ],

  prepare: async (ground) => {
    const { attacker } = ground
    const below = superNamespace(attacker, shop)
    await apply(superKubectl, ...strays.map((stray) => superPod(ground, stray)))
    await podReady(superKubectl, below, ...strays.map(({ name }) => name))
    // There is something to be reached, by the ways by which the attacker reaches its own.
    for (const { name } of strays) {
      expect(await superKubectl(['exec', name, '-n', below, '--', 'hostname'])).toContain(name)
      expect(await superKubectl(['logs', name, '-n', below])).toContain('treasure of')
    }
    expect(await doors(await nodeOf(attacker, shop, 'box'), 'box', ground)).toMatch(new RegExp(`^log 200.*${openStreams}$`, 's'))
    expect(await attacker.kubectl(['exec', 'box', '-n', shop, '--', 'hostname'])).toContain('box')
  },
}
