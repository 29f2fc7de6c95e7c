import { resourceTypes } from '../../src/apis/resource-types.ts'
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts'
import { createKubeClient } from '../../src/kube/undici-client.ts'
import { superNamespace } from '../../src/tenancy/names.ts'
import { apply, superKubectl } from '../support/kubectl.ts'
import { configMap, idle, namespace, pod, service, shell } from '../support/objects.ts'
import type { Tenant } from '../support/tenant.ts'
import { podReady, waitFor } from '../support/wait.ts'
import type { Attack, AttackSet } from './attack.ts'
import { shop } from './ground.ts'
import { neighbourPod } from './neighbour-pod.ts'
import { streamFloods } from './open-streams.ts'
import { loweredObject, refusedObject, remove, said, type Written } from './ways.ts'

// Too much of everything, and what never ends. The neighbour makes a pod while it lasts: it must run as soon as on a quiet day.
const evilPod = (more: Record<string, unknown> = {}, container: object = {}): Written =>
  pod(shop, 'evil', shell(idle, container), more) as Written

const ran = /the neighbour's pod ran/

/** Many objects as fast as the tenant's API server takes them: how many it took, and what was said of each other one. */
const many = async (
  tenant: Tenant,
  count: number,
  make: (index: number) => Written,
  plural: 'configMaps' | 'events' | 'services',
): Promise<{ readonly taken: number; readonly refused: readonly string[] }> => {
  const client = createKubeClient(await loadKubeconfig(tenant.kubeconfig), { userAgent: 'attacker' })
  const refused: string[] = []
  let next = 0
  let taken = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const object = make(next++)
      await client.create(resourceTypes[plural], object, { timeoutMs: 60_000 }).then(
        () => {
          taken += 1
        },
        (error: unknown) => void refused.push(String(error)),
      )
    }
  }
  try {
    await Promise.all(Array.from({ length: 16 }, work))
    return { taken, refused }
  } finally {
    await client.close()
  }
}

const hungWebhook = (resources: readonly string[]): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'hangs' },
  webhooks: [
    {
      name: 'hangs.example.com',
      // Documentation range (RFC 5737): nobody answers.
      clientConfig: { url: 'https://203.0.113.1/' },
      rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources }],
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 30,
    },
  ],
})

const attacks: readonly Attack[] = [
  {
    name: 'an object that is larger than a store takes',
    as: 'admin',
    attempt: ({ attacker }) => refusedObject(attacker, configMap(shop, 'evil', { a: 'x'.repeat(1_200_000) }) as Written),
    refusal: /[Tt]oo long|too large|limit/,
  },
  {
    name: 'a pod with as many annotations as it may have, so that ours do not fit',
    as: 'admin',
    attempt: ({ attacker }) => {
      const annotations = Object.fromEntries(
        Array.from({ length: 26 }, (_, index) => [`example.com/a${index}`, 'x'.repeat(9_500)]),
      )
      return loweredObject(attacker, evilPod({ annotations }), () => 'it went down whole')
    },
    refusal: /went down whole|[Tt]oo (long|large)|limit|annotations/,
  },
  {
    name: 'a namespace with a thousand labels',
    as: 'admin',
    attempt: async (ground) => {
      const labels = Object.fromEntries(
        Array.from({ length: 1_000 }, (_, index) => [`example.com/label-${index}`, 'x'.repeat(60)]),
      )
      const bomb = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bomb', labels } }
      // Server-side: what `kubectl apply` remembers would not fit.
      const answer = await said(ground.attacker.kubectl(['create', '-f', '-'], { input: JSON.stringify(bomb) }))
      const during = await neighbourPod(ground)
      await ground.attacker.kubectl(['delete', 'namespace', 'bomb', '--ignore-not-found', '--wait=false'])
      return `${answer.trim()}; ${during}`
    },
    refusal: /^namespace\/bomb created; the neighbour's pod ran/,
  },
  {
    name: 'ten thousand objects that nothing refers to',
    as: 'admin',
    attempt: async (ground) => {
      const { attacker } = ground
      await apply(attacker.kubectl, namespace('pile'))
      const taken = many(
        attacker,
        10_000,
        (index) => configMap('pile', `c-${index}`, { a: String(index) }) as Written,
        'configMaps',
      )
      const during = await neighbourPod(ground)
      const { taken: count } = await taken
      const below = await superKubectl(['get', 'configmaps', '-n', superNamespace(attacker, 'pile'), '-o', 'name'])
      await attacker.kubectl(['delete', 'namespace', 'pile', '--wait=false'])
      return `${count} taken, ${below.split('\n').filter((name) => name.includes('/c-')).length} in super; ${during}`
    },
    refusal: /^10000 taken, 0 in super; the neighbour's pod ran/,
  },
  {
    name: 'two thousand events',
    as: 'admin',
    attempt: async (ground) => {
      const event = (index: number): Written =>
        ({
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: `flood.${index}`, namespace: shop },
          type: 'Warning',
          reason: 'Flood',
          message: 'flood of words',
          involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: shop, name: 'box' },
        }) as Written
      const taken = many(ground.attacker, 2_000, event, 'events')
      const during = await neighbourPod(ground)
      const { taken: count } = await taken
      const below = await superKubectl(['get', 'events', '-A', '--field-selector', 'reason=Flood', '-o', 'name'])
      return `${count} taken, ${below.trim() === '' ? 'none in super' : 'some in super'}; ${during}`
    },
    refusal: /^2000 taken, none in super; the neighbour's pod ran/,
  },
  {
    name: 'all addresses of its slice and more',
    as: 'admin',
    attempt: async (ground) => {
      const { attacker } = ground
      await apply(attacker.kubectl, namespace('addresses'))
      const { taken, refused } = await many(
        attacker,
        400,
        (index) => service('addresses', `s-${index}`, { selector: { app: 'none' } }) as Written,
        'services',
      )
      const made = await waitFor("a Service of the neighbour's in super", async () => {
        await apply(ground.neighbour.kubectl, service('other', 'late'))
        return superKubectl([
          'get',
          'service',
          'late',
          '-n',
          superNamespace(ground.neighbour, 'other'),
          '--ignore-not-found',
          '-o',
          'name',
        ])
      })
      // Waited for: while they are held, no other Service of the attacker's finds an address.
      await attacker.kubectl(['delete', 'namespace', 'addresses', '--timeout=120s'], { timeoutMs: 130_000 })
      await ground.neighbour.kubectl(['delete', 'service', 'late', '-n', 'other'])
      const full = refused.filter((words) => words.includes('range is full'))
      return `${taken + full.length} taken or told that the range is full, others: ${refused.find((words) => !full.includes(words))}; ${made}`
    },
    // How many are taken depends on how soon its range grows meanwhile.
    refusal: /^400 taken or told that the range is full, others: undefined; service\/late/,
  },
  {
    name: 'more node ports than its quota gives',
    as: 'admin',
    attempt: async ({ attacker }) => {
      await apply(attacker.kubectl, namespace('ports'))
      const nodePort = (index: number): Written =>
        service('ports', `p-${index}`, { type: 'NodePort', selector: { app: 'none' } }) as Written
      const { taken: made } = await many(attacker, 40, nodePort, 'services')
      if (made < 20) throw new Error(`the tenant took only ${made} Services`)
      const count = async (): Promise<number> => {
        const types = await superKubectl([
          'get',
          'services',
          '-n',
          superNamespace(attacker, 'ports'),
          '-o',
          'jsonpath={.items[*].spec.type}',
        ])
        return types.split(' ').filter((type) => type === 'NodePort').length
      }
      const words = await waitFor(
        'the quota to be told',
        async () => {
          if ((await count()) > 5) return `${await count()} node ports in super`
          const events = await attacker.kubectl([
            'get',
            'events',
            '-n',
            'ports',
            '-o',
            'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}',
          ])
          return events.split('\n').find((line) => /[Qq]uota/.test(line))
        },
        { deadlineMs: 90_000 },
      )
      const seen = await count()
      await attacker.kubectl(['delete', 'namespace', 'ports', '--wait=false'])
      return `${seen} in super: ${words}`
    },
    refusal: /^[0-5] in super: .*[Qq]uota/,
  },
  {
    name: 'more pods than its quota gives',
    as: 'admin',
    attempt: async (ground) => {
      const { attacker } = ground
      const deployment = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'herd', namespace: shop },
        spec: {
          replicas: 60,
          selector: { matchLabels: { app: 'herd' } },
          template: {
            metadata: { labels: { app: 'herd' } },
            spec: { terminationGracePeriodSeconds: 0, containers: [shell(idle)] },
          },
        },
      }
      await apply(attacker.kubectl, deployment)
      const words = await waitFor(
        'the quota to be told',
        async () => {
          const events = await attacker.kubectl([
            'get',
            'events',
            '-n',
            shop,
            '-o',
            'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}',
          ])
          return events.split('\n').find((line) => /[Qq]uota/.test(line))
        },
        { deadlineMs: 90_000 },
      ).catch(() => 'nobody said a word of a quota')
      const names = await superKubectl(['get', 'pods', '-n', superNamespace(attacker, shop), '-l', 'app=herd', '-o', 'name'])
      const during = await neighbourPod(ground)
      await attacker.kubectl(['delete', 'deployment', 'herd', '-n', shop, '--cascade=foreground', '--timeout=90s'], {
        timeoutMs: 100_000,
      })
      return `${names.split('\n').filter(Boolean).length <= 20 ? 'no more than allowed' : 'too many'}; ${words}; ${during}`
    },
    refusal: /^no more than allowed; .*[Qq]uota.*the neighbour's pod ran/,
  },
  {
    name: 'webhooks that hang on all that the syncer writes',
    as: 'admin',
    attempt: async (ground) => {
      const { kubectl } = ground.attacker
      await apply(kubectl, hungWebhook(['pods/status', 'nodes/status', 'events', 'configmaps', 'endpointslices']))
      try {
        // The syncer comes to feel it by what it has to write.
        await said(
          kubectl(['run', 'slow', '-n', shop, '--image=docker.io/library/busybox:1.37.0-2', '--restart=Never', '--', 'true'], {
            timeoutMs: 45_000,
          }),
        )
        return await neighbourPod(ground)
      } finally {
        await kubectl(['delete', 'validatingwebhookconfiguration', 'hangs'])
        await kubectl(['delete', 'pod', 'slow', '-n', shop, '--ignore-not-found', '--now', '--wait=false'])
      }
    },
    refusal: ran,
  },
  ...streamFloods,
  {
    name: 'a pod that never ends, by a finalizer: its place in super is free',
    as: 'admin',
    attempt: async ({ attacker }) => {
      const object = evilPod()
      await apply(attacker.kubectl, { ...object, metadata: { ...object.metadata, finalizers: ['example.com/never'] } })
      await podReady(attacker.kubectl, shop, 'evil')
      await remove(attacker, object)
      const gone = await waitFor('the pod to be gone in super', async () => {
        const found = await superKubectl([
          'get',
          'pod',
          'evil',
          '-n',
          superNamespace(attacker, shop),
          '--ignore-not-found',
          '-o',
          'name',
        ])
        return found === '' ? 'gone in super' : undefined
      })
      await attacker.kubectl(['patch', 'pod', 'evil', '-n', shop, '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
      return gone
    },
    refusal: /^gone in super$/,
  },
  {
    name: 'its own DNS taken away',
    as: 'admin',
    attempt: async (ground) => {
      await ground.attacker.kubectl(['scale', 'deployment', 'coredns', '-n', 'kube-system', '--replicas=0'])
      return neighbourPod(ground)
    },
    refusal: ran,
  },
  {
    name: 'a namespace that cannot be deleted, by a finalizer, at the end of the tenant',
    as: 'admin',
    attempt: async ({ attacker: { kubectl } }) => {
      const stuck = configMap('stuck', 'stuck', {}) as Written
      await apply(kubectl, namespace('stuck'), { ...stuck, metadata: { ...stuck.metadata, finalizers: ['example.com/never'] } })
      await kubectl(['delete', 'namespace', 'stuck', '--wait=false'])
      // That the tenant can be deleted with it is what the end of this file shows.
      return kubectl(['get', 'namespace', 'stuck', '-o', 'jsonpath={.status.phase}'])
    },
    refusal: /^Terminating$/,
  },
]

export const floodAttacks: AttackSet = {
  attacks,
  prepare: async ({ neighbour }) => void (await apply(neighbour.kubectl, namespace('other'))),
}
