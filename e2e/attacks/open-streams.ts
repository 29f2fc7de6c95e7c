import { connect } from 'node:http2'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts'
import { apply } from '../support/kubectl.ts'
import { configMap } from '../support/objects.ts'
import type { Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait.ts'
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

/** An API server takes no more on one connection than 100. */
const watchesPerConnection = 80

/** Watches the ConfigMaps of one namespace many times over. `heard`: how many have been told of one of that name. */
const holdWatches = async (
  tenant: Tenant,
  { count, name }: { count: number; name: string },
): Promise<Held & { readonly heard: () => number }> => {
  const { server, tls } = await doorOf(tenant)
  const sessions = Array.from({ length: count / watchesPerConnection }, () => connect(server, tls))
  const release = (): void => {
    for (const session of sessions) session.destroy()
  }
  let heard = 0
  const watch = (session: (typeof sessions)[number]): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':path': `/api/v1/namespaces/${shop}/configmaps?watch=true&timeoutSeconds=300` })
      let said = ''
      let hasHeard = false
      stream.setEncoding('utf8')
      stream.on('response', ({ ':status': status }) => resolve(status === 200 ? undefined : String(status)))
      stream.on('data', (chunk: string) => {
        if (hasHeard) return
        said += chunk
        if (!said.includes(`"name":"${name}"`)) return
        hasHeard = true
        heard += 1
      })
      stream.on('error', reject)
    })
  try {
    const refused: string[] = []
    // On each connection one after the other: of some 350 that begin at once, its API server's own fairness lets no more begin.
    const open = async (session: (typeof sessions)[number]): Promise<void> => {
      for (let begun = 0; begun < watchesPerConnection; begun += 1) {
        const words = await watch(session)
        if (words !== undefined) refused.push(words)
      }
    }
    await Promise.all(sessions.map(open))
    return { open: count - refused.length, refused, release, heard: () => heard }
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
  {
    name: 'two thousand watches',
    as: 'admin',
    attempt: async (ground) => {
      const { attacker } = ground
      const name = 'watched'
      const { open, refused, release, heard } = await holdWatches(attacker, { count: 2_000, name })
      try {
        // They are served, not only taken.
        await apply(attacker.kubectl, configMap(shop, name, { a: 'b' }))
        await waitFor('all watches to be told', () => heard() === open, { deadlineMs: 30_000 })
        return `${open} open, ${refused.length} refused; ${await sessionsOf(ground.neighbour)}; ${await neighbourPod(ground)}`
      } finally {
        release()
        await attacker.kubectl(['delete', 'configmap', name, '-n', shop, '--ignore-not-found'])
      }
    },
    // What bounds them is the memory of its own API server.
    refusal: /^2000 open, 0 refused; still served, still served; the neighbour's pod ran/,
  },
]
