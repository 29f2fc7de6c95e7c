import { loadKubeconfig } from '../../src/kube/kubeconfig.ts'
import { superNamespace, tenantIdentity } from '../../src/tenancy/names.ts'
import { agentClientKeys, askAgent } from '../support/agent-client.ts'
import { apply, listJson, superKubectl, world } from '../support/kubectl.ts'
import type { Tenant } from '../support/tenant.ts'
import type { Attack } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { knock } from './knock.ts'
import { said, wholeRound } from './ways.ts'

const serverOf = async (kubeconfig: string): Promise<string> => (await loadKubeconfig(kubeconfig)).server
const nodeOf = async (tenant: Tenant): Promise<string> => {
  const node = await tenant.kubectl(['get', 'pod', 'web', '-n', shop, '-o', 'jsonpath={.spec.nodeName}'])
  return world().nodes.find(({ name }) => name === node)?.ip ?? ''
}
const asAgentClient = async ({ attacker, neighbour }: Ground, path: string): Promise<string> => {
  const keys = await agentClientKeys(attacker.controlPlaneNamespace, 'kube-apiserver-keys')
  const { status, body } = await askAgent(await nodeOf(neighbour), path, keys)
  return `${status} ${body}`
}

const unauthorized = /Unauthorized|provide credentials|401/
/** Its own credentials where they are nobody's, and the neighbour's by any trick. */
export const credentials: readonly Attack[] = [
  {
    name: "its token at the neighbour's API server",
    as: 'admin',
    attempt: async ({ attacker, neighbour }) => {
      const token = await attacker.kubectl(['create', 'token', 'default', '-n', shop])
      return knock(`${await serverOf(neighbour.kubeconfig)}/api/v1/namespaces/shop/secrets`, { token })
    },
    refusal: unauthorized,
  },
  {
    name: "its token at super's API server",
    as: 'admin',
    attempt: async ({ attacker }) =>
      knock(`${await serverOf(world().superKubeconfig)}/api/v1/namespaces`, {
        token: await attacker.kubectl(['create', 'token', 'default', '-n', shop]),
      }),
    refusal: unauthorized,
  },
  {
    name: "a token with super's audience at super's API server",
    as: 'admin',
    attempt: async ({ attacker }) => {
      const issuer = await superKubectl(['get', '--raw', '/.well-known/openid-configuration'])
      const audience = (JSON.parse(issuer) as { issuer: string }).issuer
      const token = await attacker.kubectl(['create', 'token', 'default', '-n', shop, `--audience=${audience}`])
      return knock(`${await serverOf(world().superKubeconfig)}/api/v1/namespaces`, { token })
    },
    refusal: unauthorized,
  },
  {
    name: "its administrator's certificate at the neighbour's API server",
    as: 'admin',
    attempt: async ({ attacker, neighbour }) => {
      const { clientCert: cert = '', clientKey: key = '' } = await loadKubeconfig(attacker.kubeconfig)
      return knock(`${await serverOf(neighbour.kubeconfig)}/api/v1/secrets`, { cert, key })
    },
    refusal: unauthorized,
  },
  {
    name: "its administrator's certificate at super's API server",
    as: 'admin',
    attempt: async ({ attacker }) => {
      const { clientCert: cert = '', clientKey: key = '' } = await loadKubeconfig(attacker.kubeconfig)
      return knock(`${await serverOf(world().superKubeconfig)}/api/v1/secrets`, { cert, key })
    },
    refusal: unauthorized,
  },
  {
    name: "the neighbour's identity in super, by impersonation",
    as: 'admin',
    attempt: async ({ attacker, neighbour }) => {
      const as = tenantIdentity(neighbour.uid)
      const listed = await said(attacker.kubectl(['get', 'secrets', '-A', '--as', as, '-o', 'name']))
      const own = await said(attacker.kubectl(['get', 'namespaces', '--as-group=system:masters', '--as', as, '-o', 'name']))
      return `${listed}\n${own.includes(superNamespace(neighbour, shop)) ? "the neighbour's namespace" : 'own namespaces only'}`
    },
    refusal: /cannot list.*own namespaces only/s,
  },
  {
    name: "the neighbour's log at vn-agent, by the neighbour's namespace in super",
    as: 'admin',
    attempt: (ground) => asAgentClient(ground, `/containerLogs/${superNamespace(ground.neighbour, shop)}/web/main`),
    refusal: /^404 not found/,
  },
  {
    name: "the log of the neighbour's API server at vn-agent",
    as: 'admin',
    attempt: (ground) => asAgentClient(ground, `/containerLogs/${ground.neighbour.controlPlaneNamespace}/etcd-0/etcd`),
    refusal: /^404 not found/,
  },
  ...(
    [
      '/containerLogs/shop%2f..%2f..%2fkube-system/web/main',
      '/containerLogs/../../pods',
      '//pods',
      '/pods/..;/configz',
      '/logs/',
      '/run/shop/web/main?cmd=id',
    ] as const
  ).map(
    (path): Attack => ({
      name: `a path at vn-agent that is not what it looks like: ${path}`,
      as: 'admin',
      attempt: (ground) => asAgentClient(ground, path),
      refusal: /^4\d\d /,
    }),
  ),
  {
    name: "the neighbour's log at vn-agent, by a certificate that its own authority signed",
    as: 'admin',
    attempt: async ({ attacker, neighbour }) => {
      const { clientCert: cert = '', clientKey: key = '' } = await loadKubeconfig(attacker.kubeconfig)
      return knock(`https://${await nodeOf(neighbour)}:10550/containerLogs/shop/web/main`, { cert, key })
    },
    refusal: /alert|reset|hang up|certificate|ECONNRESET|unknown ca|^40[13]/i,
  },
  {
    name: "the neighbour's pods among the node's figures",
    as: 'admin',
    attempt: async (ground) => {
      const pages = await Promise.all(['/pods', '/stats/summary', '/metrics/cadvisor'].map((path) => asAgentClient(ground, path)))
      const text = pages.join('\n')
      return text.includes(superNamespace(ground.neighbour, shop)) || text.includes(ground.neighbour.uid)
        ? 'they are there'
        : 'only its own'
    },
    refusal: /^only its own$/,
  },
  {
    name: 'Events that speak of things of super',
    as: 'admin',
    attempt: async ({ attacker, neighbour }, evil) => {
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${evil}.1`, namespace: shop },
        type: 'Warning',
        reason: 'Evicted',
        message: 'evil words',
        involvedObject: {
          apiVersion: 'v1',
          kind: 'Pod',
          namespace: superNamespace(neighbour, shop),
          name: 'web',
          uid: neighbour.uid,
        },
      }
      const own = { ...event, involvedObject: { ...event.involvedObject, namespace: shop } }
      const answers = [await said(apply(attacker.kubectl, event)), await said(apply(attacker.kubectl, own))]
      await wholeRound(attacker, evil)
      const below = JSON.stringify(await listJson(superKubectl, ['events', '-A']))
      // Those of the pod of the whole round are there: it is the list in which the forged would stand.
      const told = [
        below.includes(evil) ? 'others' : 'nothing',
        below.includes('evil words') ? 'the forged' : 'none of the forged',
      ]
      return `${answers.join(' ')}\nsuper has ${told.join(' and ')}`
    },
    refusal: /event\S* created\s+super has others and none of the forged$/,
  },
  {
    name: 'rights of the syncer in the tenant taken away: its own harm alone',
    as: 'admin',
    attempt: async ({ attacker: { kubectl } }) => {
      const bindings = await listJson(kubectl, ['clusterrolebindings'])
      const ours = bindings.filter(({ metadata }) => metadata.name.includes('syncer'))
      const names = ours.map(({ metadata }) => metadata.name)
      await kubectl(['delete', 'clusterrolebinding', ...names])
      try {
        await kubectl(['create', 'configmap', 'after', '-n', shop])
        return `${names.length} taken`
      } finally {
        // As the manager does too, when it comes by.
        const again = ours.map(({ metadata, ...rest }) => ({
          ...rest,
          metadata: { name: metadata.name, labels: metadata.labels },
        }))
        await apply(kubectl, ...again)
      }
    },
    refusal: /^[1-9]\d* taken$/,
  },
]
