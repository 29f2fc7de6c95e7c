import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../src/cli/exit-codes.ts'
import { berth } from './support/berth.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { blockByWebhook, endPods, expireCertificate, liftRules, loseImage, refusePods, ruinStore } from './support/ruin.ts'
import { createTenant, deleteTenants, type Tenant, tenantObject, tenantsNamespace } from './support/tenant.ts'
import { waitFor } from './support/wait.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** How long a condition may take to name a cause. */
const deadlineMs = 30_000

/** A control plane that does not work says why, and what to do, in the conditions of its object: nobody has to look for its pods first. */
describe('a tenant that cannot be used', () => {
  let image: Tenant
  let refused: Tenant
  let store: Tenant
  let own: Tenant
  let quota: Tenant

  beforeAll(async () => {
    // Five control planes that start at once take the machine from the other stories, and from each other.
    ;[image, refused] = await Promise.all([createTenant('says-image'), createTenant('says-refused')])
    ;[store, own] = await Promise.all([createTenant('says-store'), createTenant('says-own')])
    quota = await createTenant('says-quota')
  })
  afterAll(async () => {
    await liftRules('says-image', 'says-refused')
    await deleteTenants('says-image', 'says-refused', 'says-store', 'says-volume', 'says-own', 'says-quota')
  })

  const conditionsOf = async (name: string): Promise<readonly Condition[]> => {
    const { status } = await getJson<Thing & { status?: { conditions?: Condition[] } }>(superKubectl, [
      'tcp',
      name,
      '-n',
      tenantsNamespace,
    ])
    return status?.conditions ?? []
  }
  const told = (name: string, type: string, reason: string, within: number) =>
    waitFor(
      `${type} of ${name} to say ${reason}`,
      async () => {
        const conditions = await conditionsOf(name)
        const condition = conditions.find((each) => each.type === type)
        if (condition?.reason !== reason) throw new Error(JSON.stringify(conditions))
        return { condition, ready: conditions.find((each) => each.type === 'Ready') }
      },
      { deadlineMs: within },
    )
  const ruleFor = ({ name, controlPlaneNamespace: namespace }: Tenant, component: string) => ({ name, namespace, component })

  test('because a process of Berth is away is told as that, once', async () => {
    const syncer = ['deployment/berth-syncer', '-n', 'berth-system']
    await superKubectl(['scale', ...syncer, '--replicas=0'])
    try {
      const { code, output } = await berth('doctor')
      expect(code, output).toBe(exitCodes.differs)
      expect(output).toMatch(/^Berth: ScaledToZero: berth-syncer is scaled to zero.*kubectl scale deployment\/berth-syncer/m)
    } finally {
      await superKubectl(['scale', ...syncer, '--replicas=1'])
      await superKubectl(['rollout', 'status', ...syncer, '--timeout=60s'], { timeoutMs: 70_000 })
    }
  })

  test('because its certificate has expired while nobody renewed it, says so, and is well again by itself', async () => {
    await expireCertificate(own)
    const began = performance.now()
    const found = await told('says-own', 'APIServerReady', 'CertificateExpired', deadlineMs)
    console.log(`told after ${((performance.now() - began) / 1000).toFixed(1)} s: ${found.condition.message}`)
    expect(found.condition.message).toMatch(/certificate that has expired.*kubectl delete pod -n \S+ -l/)
    await superKubectl(['wait', '--for=condition=Ready', 'tcp/says-own', '-n', tenantsNamespace, '--timeout=150s'], {
      timeoutMs: 160_000,
    })
  }, 300_000)

  test.for<[what: string, name: string, ruin: () => Promise<unknown>, type: string, reason: string, words: readonly RegExp[]]>([
    [
      'the image is not to be had',
      'says-image',
      async () => {
        const rule = ruleFor(image, 'kube-controller-manager')
        await loseImage(rule)
        await waitFor('the rule to be in force', async () => {
          await endPods(rule)
          const pods = await listJson(superKubectl, ['pods', '-n', rule.namespace, '-l', `berth.dev/component=${rule.component}`])
          return JSON.stringify(pods).includes('registry.invalid')
        })
      },
      'ControllerManagerReady',
      'ImagePullFailed',
      [/registry\.invalid\/kube-controller-manager:none/, /Check the image registry/],
    ],
    [
      'super refuses the pod',
      'says-refused',
      async () => {
        const rule = ruleFor(refused, 'kube-apiserver')
        await refusePods(rule)
        await waitFor('the rule to be in force', async () => {
          await endPods(rule)
          const deployment = await getJson(superKubectl, ['deployment', 'kube-apiserver', '-n', rule.namespace])
          return JSON.stringify(deployment.status).includes('no kube-apiserver here')
        })
      },
      'APIServerReady',
      'PodsRefused',
      [/no kube-apiserver here/, /Let the pods of control planes through/],
    ],
    [
      'its namespace has no quota left',
      'says-quota',
      async () => {
        const rule = ruleFor(quota, 'kube-controller-manager')
        const metadata = { name: 'none-left', namespace: rule.namespace }
        await apply(superKubectl, { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '0' } } })
        await waitFor('the quota to be counted', async () => {
          const { status } = await getJson(superKubectl, ['resourcequota', 'none-left', '-n', rule.namespace])
          return JSON.stringify(status).includes('"pods"')
        })
        await endPods(rule)
      },
      'ControllerManagerReady',
      'PodsRefused',
      [/exceeded quota: none-left, requested: pods=1/, /Raise ResourceQuota none-left/],
    ],
    [
      "etcd's data are broken",
      'says-store',
      () => ruinStore(store),
      'DataStoreReady',
      'CrashLooping',
      [/pod etcd-0 ended/, /: [a-z ]+ failed: \S+/, /kubectl logs -n \S+ etcd-0 --previous/],
    ],
    [
      'a webhook of its own keeps Berth out',
      'says-own',
      () => blockByWebhook(own),
      'SyncReady',
      'WebhookRefuses',
      [/webhook guard\.example\.com of the tenant .* pods default\/blocked: nobody answers for it/, /failurePolicy to Ignore/],
    ],
    [
      'the volume has no class',
      'says-volume',
      () => apply(superKubectl, tenantObject('says-volume', { dataStore: { storageClassName: 'nobody-has-it' } })),
      'DataStoreReady',
      'VolumeNotBound',
      [/etcd-0/, /Check the storage class/],
    ],
  ])('because %s, says so', { timeout: 120_000 }, async ([, name, ruin, type, reason, words]) => {
    await ruin()
    const began = performance.now()
    const found = await told(name, type, reason, deadlineMs)
    console.log(`${reason} told after ${((performance.now() - began) / 1000).toFixed(1)} s: ${found.condition.message}`)
    for (const word of words) expect(found.condition.message).toMatch(word)
    const doctor = await berth('doctor', name)
    expect(doctor.code, doctor.output).toBe(exitCodes.differs)
    expect(doctor.output).toContain(`tenant ${tenantsNamespace}/${name}: ${reason}: ${found.condition.message}`)
    // Whoever reads only the summary finds the same cause there.
    expect(found.ready?.status).toBe('False')
    expect(found.ready?.message).toContain(found.condition.message)
  })
})
