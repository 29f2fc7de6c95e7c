import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Kubectl } from '../hack/cluster/kubectl.ts'
import { namespaceLabelKey, superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson, superKubectl } from './support/kubectl.ts'
import { idle, namespace, pod, shell, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { podReady, waitFor } from './support/wait.ts'

/** A namespace of super that is no tenant's and may speak to all of them, with the labels by which super knows the tenant's namespace `front`. */
const foreign = 'network-policies-foreign'

describe('NetworkPolicies of a tenant', () => {
  let tenant: Tenant
  let address: string

  beforeAll(async () => {
    tenant = await createTenant('network-policies')
    const { kubectl } = tenant
    await apply(kubectl, ...['front', 'back'].map(namespace))
    await kubectl(['label', 'namespace', 'front', 'team=front'])
    await apply(superKubectl, namespace(foreign))
    await superKubectl(['label', 'namespace', foreign, 'team=front', `${namespaceLabelKey('team')}=front`])
    await superKubectl(['label', 'namespace', foreign, 'berth.dev/reaches-tenants=true'])
    await apply(
      kubectl,
      pod('back', 'server', webServer()),
      pod('back', 'neighbour', shell(idle)),
      pod('front', 'client', shell(idle)),
      pod('front', 'other', shell(idle)),
    )
    await apply(superKubectl, pod(foreign, 'client', shell(idle)))
    await podReady(kubectl, 'back', 'server', 'neighbour')
    await podReady(kubectl, 'front', 'client', 'other')
    await podReady(superKubectl, foreign, 'client')
    const server = await getJson<{ status: { podIP: string } }>(kubectl, ['pod', 'server', '-n', 'back'])
    address = server.status.podIP
  })
  afterAll(async () => {
    await superKubectl(['delete', 'namespace', foreign, '--ignore-not-found', '--wait=false'])
    await deleteTenants('network-policies')
  })

  const callers: readonly (readonly [who: string, kubectl: () => Kubectl, namespace: string, pod: string])[] = [
    ['client', () => tenant.kubectl, 'front', 'client'],
    ['other', () => tenant.kubectl, 'front', 'other'],
    ['neighbour', () => tenant.kubectl, 'back', 'neighbour'],
    ['stranger', () => superKubectl, foreign, 'client'],
  ]
  /** Who gets an answer from the server now. */
  const admitted = async (): Promise<string> => {
    const answers = await Promise.all(
      callers.map(async ([who, kubectl, at, name]) => {
        const call = ['exec', name, '-n', at, '--', 'timeout', '3', 'wget', '-q', '-O-', `http://${address}:8080/hostname`]
        const answer = await kubectl()(call, { timeoutMs: 20_000 }).catch(() => '')
        return answer.includes('server') ? [who] : []
      }),
    )
    return answers.flat().join(' ')
  }
  const settles = (who: string): Promise<boolean> =>
    waitFor(`only ${who || 'nobody'} is let in`, async () => {
      const seen = await admitted()
      return seen === who || Promise.reject(new Error(`let in: ${seen || 'nobody'}`))
    })
  const policy = (ingress: readonly object[]): Promise<string> =>
    apply(tenant.kubectl, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'server', namespace: 'back' },
      spec: { podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress'], ingress },
    })

  test('without one, all are let in', async () => {
    await settles('client other neighbour stranger')
  })

  test('one that lets nobody in', async () => {
    await policy([])
    await settles('')
  })

  test('pods of a namespace, both by label, through a named port', async () => {
    const peer = { namespaceSelector: { matchLabels: { team: 'front' } }, podSelector: { matchLabels: { app: 'client' } } }
    await policy([{ from: [peer], ports: [{ port: 'http' }] }])
    await settles('client')
  })

  test('a namespace that gets another label is another one', async () => {
    await tenant.kubectl(['label', 'namespace', 'front', 'team=back', '--overwrite'])
    await settles('')
    await tenant.kubectl(['label', 'namespace', 'front', 'team=front', '--overwrite'])
    await settles('client')
  })

  test('all namespaces are all of this tenant, and no pod of anybody else', async () => {
    await policy([{ from: [{ namespaceSelector: {} }] }])
    await settles('client other neighbour')
  })

  test('pods of its own namespace', async () => {
    await policy([{ from: [{ podSelector: {} }] }])
    await settles('neighbour')
  })

  test("an address of super's pods lets nobody in, and all addresses whoever would come in without a policy", async () => {
    const stranger = await getJson<{ status: { podIP: string } }>(superKubectl, ['pod', 'client', '-n', foreign])
    await policy([{ from: [{ ipBlock: { cidr: `${stranger.status.podIP}/32` } }] }])
    await settles('')
    await policy([{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }])
    await settles('client other neighbour stranger')
  })

  test('the way out is closed as well, but for what is named', async () => {
    const { kubectl } = tenant
    await kubectl(['delete', 'networkpolicy', 'server', '-n', 'back'])
    const egress = [{ to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'back' } } }] }]
    const policyOf = (rules: readonly object[]): object => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'client', namespace: 'front' },
      spec: { podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'], egress: rules },
    })
    await apply(kubectl, policyOf([]))
    await settles('other neighbour stranger')
    await apply(kubectl, policyOf(egress))
    await settles('client other neighbour stranger')
  })

  test('the end of one opens what it closed', async () => {
    await policy([])
    await settles('')
    await tenant.kubectl(['delete', 'networkpolicy', 'server', '-n', 'back'])
    await settles('client other neighbour stranger')
    await tenant.kubectl(['delete', 'networkpolicy', 'client', '-n', 'front'])
    await waitFor('no policy of the tenant in super', async () => {
      const found = await Promise.all(
        ['front', 'back'].map((at) => superKubectl(['get', 'networkpolicies', '-n', superNamespace(tenant, at), '-o', 'name'])),
      )
      const names = found
        .join('\n')
        .split('\n')
        .filter((name) => !/\/berth-(closed|ingress|egress)$/.test(name.trim()))
      return names.join('').trim() === ''
    })
  })
})
