import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts'
import type { Tenant } from '../support/tenant.ts'
import type { Attack } from './attack.ts'
import { shop } from './ground.ts'
import { neighbourPod } from './neighbour-pod.ts'

/** As the tenant's administrator comes to its API server. */
const doorOf = async ({ kubeconfig }: Tenant) => {
  const { server, ca = '', clientCert: cert = '', clientKey: key = '' } = await loadKubeconfig(kubeconfig)
  return { server, tls: { ca, cert, key } }
}

interface Held {
  /** How many are open. */
  readonly open: number
  /** What was said of each that was not opened: status and body. */
  readonly refused: readonly string[]
  readonly release: () => void
}

/** Follows one log many times over and holds on to each. */
const holdLogs = async (tenant: Tenant, podName: string, count: number): Promise<Held> => {
  const { server, tls } = await doorOf(tenant)
  const agent = new Agent({ ...tls, maxSockets: Number.POSITIVE_INFINITY })
  const url = `${server}/api/v1/namespaces/${shop}/pods/${podName}/log?follow=true&tailLines=1`
  const follow = (): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const asked = request(url, { agent }, (answer) => {
        // It is cut off in the end.
        answer.on('error', () => {})
        if (answer.statusCode !== 200) {
          text(answer).then((body) => resolve(`${answer.statusCode} ${body}`), reject)
          return
        }
        answer.resume()
        resolve(undefined)
      })
      asked.on('error', reject)
      asked.end()
    })
  const refused: string[] = []
  let next = 0
  let open = 0
  const work = async (): Promise<void> => {
    while (next++ < count) {
      const words = await follow()
      if (words === undefined) open += 1
      else refused.push(words)
    }
  }
  const release = (): void => agent.destroy()
  try {
    await Promise.all(Array.from({ length: 8 }, work))
    return { open, refused, release }
  } catch (error) {
    release()
    throw error
  }
}

/** That sessions of the neighbour's go on: in both its pods, of which one may be on the node whose agent is full. */
const sessionsOf = async ({ kubectl }: Tenant): Promise<string> => {
  const words = await Promise.all(
    ['box', 'web'].map((name) => kubectl(['exec', name, '-n', shop, '--', 'echo', 'still', 'served'], { timeoutMs: 20_000 })),
  )
  return words.join(', ')
}

export const streamFloods: readonly Attack[] = [
  {
    name: 'streams without end: its own limit, not the neighbour’s',
    as: 'admin',
    attempt: async (ground) => {
      const { open, refused, release } = await holdLogs(ground.attacker, 'web', 230)
      try {
        const sessions = await sessionsOf(ground.neighbour)
        return `${open} open, ${refused.length} refused: ${refused[0]}; ${sessions}; ${await neighbourPod(ground)}`
      } finally {
        release()
      }
    },
    refusal:
      /^200 open, 30 refused: 429 [^;]*the server has received too many requests[^;]*pods\/log web[^;]*; still served, still served; the neighbour's pod ran/,
  },
]
