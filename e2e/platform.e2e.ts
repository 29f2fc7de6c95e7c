import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { berthImage } from '../hack/berth-image.ts'
import { ensureCluster } from '../hack/cluster/index.ts'
import { kubectlFor } from '../hack/cluster/kubectl.ts'
import { namespaceReport } from '../hack/diagnosis.ts'
import { applyBerth, installBerth } from '../hack/install/index.ts'
import { parseManifests, printManifests, type Rendered } from '../hack/install/stamp.ts'
import { printProgress } from '../hack/progress.ts'
import { run } from '../hack/run.ts'
import { type BerthClient, isApiError, type Usage } from '../src/client/index.ts'
import { openApi } from './support/api-answers.ts'
import { killComponent } from './support/kill.ts'
import { apply, getJson, listJson, superKubectl, world } from './support/kubectl.ts'
import { expectNoLeaks } from './support/no-leaks.ts'
import { deployment, secret, webServer } from './support/objects.ts'
import { rolledOut, waitFor } from './support/wait.ts'
import { startWebhookReceiver, type WebhookReceiver } from './support/webhook-receiver.ts'

// The backend of a platform: somebody signs up, works, is billed, does not pay, and goes. What it speaks to is killed on the way.
const system = 'berth-system'
const org = 'acme-platform'
const name = 'shop'
const cli = join(import.meta.dirname, '../src/bin/cli.ts')
const manifests = join(import.meta.dirname, '../manifests')
const ours = ['deployment/berth-api', 'deployment/berth-worker']

let berth: BerthClient
let receiver: WebhookReceiver
let kubeconfig: string

const superCli = (...args: readonly string[]): Promise<string> =>
  run(process.execPath, [cli, ...args, '--kubeconfig', world().superKubeconfig], { timeoutMs: 60_000 })

/** This machine, as nodes and pods reach it. */
const bridgeAddress = (): string => (world().nodes[0]?.ip ?? '').replace(/\.\d+$/, '.1')

/** As docs/explanation/jobs.md and docs/how-to/webhooks.md tell operators: a Redis, the API, and a private range that webhooks may go to. */
const installPlatform = async (): Promise<void> => {
  const image = await berthImage(printProgress())
  const password = randomBytes(12).toString('hex')
  await apply(superKubectl, secret(system, 'berth-redis', { password, REDIS_URL: `redis://:${password}@berth-redis:6379` }))
  await superKubectl(['apply', '-k', join(manifests, 'options/redis')])
  await applyBerth(superKubectl, image, { side: 'options/api', progress: printProgress() })
  const settings = {
    BERTH_WEBHOOK_ALLOW_HTTP: 'true',
    BERTH_WEBHOOK_ALLOWED_CIDRS: `${bridgeAddress()}/32`,
  }
  const words = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
  await superKubectl(['-n', system, 'set', 'env', ...ours, ...words])
  const often = ['BERTH_USAGE_SAMPLE_SECONDS=2', 'BERTH_USAGE_API_SECONDS=4', 'BERTH_USAGE_WRITE_SECONDS=5']
  await superKubectl(['-n', system, 'set', 'env', 'deployment/berth-worker', ...often])
  const egress = { op: 'add', path: '/spec/egress/-', value: { to: [{ ipBlock: { cidr: `${bridgeAddress()}/32` } }] } }
  await superKubectl(['-n', system, 'patch', 'networkpolicy', 'berth-worker', '--type=json', '-p', JSON.stringify([egress])])
  for (const workload of ['deployment/berth-redis', ...ours]) {
    await superKubectl(['rollout', 'status', workload, '-n', system, '--timeout=120s'], { timeoutMs: 130_000 }).catch(
      async (error: unknown) => {
        throw new Error(await namespaceReport(superKubectl, system), { cause: error })
      },
    )
  }
}

/** What an option adds to the base goes, and the base stays as it is. */
const removeOption = async (option: string): Promise<void> => {
  const [all, base] = await Promise.all(
    [option, 'base'].map(async (side) => parseManifests(await superKubectl(['kustomize', join(manifests, side)]))),
  )
  const idOf = ({ kind, metadata }: Rendered): string => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`
  const kept = new Set(base?.map(idOf))
  const added = all?.filter((object) => !kept.has(idOf(object))) ?? []
  await superKubectl(['delete', '-f', '-', '--ignore-not-found', '--timeout=60s'], {
    input: printManifests(added),
    timeoutMs: 70_000,
  })
}

/** The answer is text when it was asked for as CSV. */
const usageOf = (body: string | { readonly items: readonly Usage[] }): readonly Usage[] =>
  typeof body === 'string' ? [] : body.items

/** What came of one kind, once however often it was sent. */
const told = (type: string): ReadonlySet<string> =>
  new Set(receiver.deliveries.filter((each) => each.type === type && each.tenant === name).map(({ id }) => id))

const untilTold = (type: string): Promise<unknown> =>
  waitFor(`webhook ${type}`, () => told(type).size > 0 || Promise.reject(new Error(JSON.stringify(receiver.deliveries))), {
    deadlineMs: 90_000,
    report: async () => JSON.stringify((await berth.listWebhookDeliveries({ org })).body),
  })

beforeAll(async () => {
  await installPlatform()
  receiver = await startWebhookReceiver(bridgeAddress())
  const service = await getJson(superKubectl, ['service', 'berth-api', '-n', system])
  const key = (await superCli('api-key', 'create', 'backend', '--expires-in-days', '1')).trim()
  berth = openApi({ url: `http://${String(service.spec?.['clusterIP'])}`, key })
})

afterAll(async () => {
  await receiver?.close()
  await superKubectl(['delete', 'tcp', '--all', '-n', org, '--ignore-not-found', '--timeout=90s'], { timeoutMs: 100_000 }).catch(
    () => '',
  )
  await superKubectl(['delete', 'namespace', org, '--ignore-not-found', '--timeout=60s'], { timeoutMs: 70_000 })
  // Other stories stand on the same cluster: Berth is as it was for them.
  await removeOption('options/api')
  await superKubectl(['delete', '-k', join(manifests, 'options/redis'), '--ignore-not-found', '--timeout=60s'], {
    timeoutMs: 70_000,
  })
  await superKubectl(['delete', 'secret', 'berth-redis', '-n', system, '--ignore-not-found'])
  await installBerth(await ensureCluster({ name: world().clusterName, progress: printProgress() }), printProgress())
})

describe('the backend of a platform', () => {
  test('takes a sign-up, while the API and the manager are killed', async () => {
    await berth.createOrganization({ body: { name: org, quota: { tenants: 1 } } })
    const { body: webhook } = await berth.createWebhook({ org, body: { url: receiver.url, events: ['tenant.*'] } })
    receiver.trust(webhook.secret)
    const order = { org, body: { name, spec: { size: 'small' as const } } }
    const begun = await berth.createTenant(order, { idempotencyKey: 'sign-up-4711' })
    const apiIsBack = await killComponent('berth-api', 'bin/api.js')
    const managerIsBack = await killComponent('berth-manager', 'bin/manager.js')
    // A backend that does not know whether it was heard asks again.
    const again = await waitFor('the API', () => berth.createTenant(order, { idempotencyKey: 'sign-up-4711' }))
    expect({ id: again.body.id, isReplayed: again.isReplayed }).toEqual({ id: begun.body.id, isReplayed: true })
    const done = await berth.waitForOperation(begun.body, { timeoutMs: 150_000 })
    expect(done.state).toBe('Succeeded')
    await Promise.all([apiIsBack(), managerIsBack()])
    const more = await berth.createTenant({ org, body: { name: 'second' } }).catch((error: unknown) => error)
    expect(isApiError(more, 'QUOTA_EXCEEDED'), String(more)).toBe(true)
  })

  test('hears by webhook that the tenant is ready, once, with a good signature', async () => {
    await untilTold('tenant.ready')
    expect(told('tenant.created').size).toBe(1)
    expect(told('tenant.ready').size).toBe(1)
    expect(receiver.deliveries.map(({ verdict }) => verdict)).toEqual(receiver.deliveries.map(() => 'valid'))
  })

  test('hands out a kubeconfig, with which a workload runs', async () => {
    const { body } = await berth.createKubeconfig({ org, tenant: name, body: { role: 'edit', expiresInSeconds: 3600 } })
    kubeconfig = join(world().dir, 'platform.kubeconfig')
    await writeFile(kubeconfig, body.kubeconfig, { mode: 0o600 })
    const kubectl = kubectlFor(world().kubectl, kubeconfig)
    await apply(kubectl, deployment('default', 'web', 2, webServer({ resources: { requests: { cpu: '20m', memory: '16Mi' } } })))
    await rolledOut(kubectl, 'default', 'deployment/web')
  })

  test('reads what the tenant used, as JSON and as CSV', async () => {
    const rows = await waitFor('usage', async () => {
      const items = usageOf((await berth.getTenantUsage({ org, tenant: name, step: 'total' })).body)
      const [row] = items
      // Objects are counted by the API server itself, for the first time after a minute or two.
      const isMeasured = row && Number(row.cpuCoreHours) > 0 && Number(row.memoryGiBHours) > 0 && row.requests > 0
      return isMeasured ? items : Promise.reject(new Error(JSON.stringify(items)))
    })
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ organization: org, tenant: name, deleted: false })
    const { body: csv } = await berth.getTenantUsage({ org, tenant: name, step: 'total', format: 'csv' })
    const lines = (typeof csv === 'string' ? csv : '').trim().split(/\r?\n/)
    expect(lines).toEqual([expect.stringContaining('cpuCoreHours'), expect.stringContaining(name)])
  })

  test('suspends it, while Redis is killed: its pods run on, and the webhook comes', async () => {
    const redisIsBack = await killComponent('berth-redis', 'redis-server')
    const { body: begun } = await berth.pauseTenant({ org, tenant: name })
    await berth.waitForOperation(begun, { timeoutMs: 120_000 })
    await redisIsBack()
    await untilTold('tenant.paused')
    const { uid } = (await getJson(superKubectl, ['tcp', name, '-n', org])).metadata
    const pods = await listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${uid}`])
    expect(pods.filter(({ metadata }) => metadata.name.startsWith('web-'))).toHaveLength(2)
  })

  test('deletes it: nothing is left but what it used, and the last webhook', async () => {
    // While the tenant's keys are there to be known: after, the API's answers could have held them and nobody would know.
    await expectNoLeaks()
    const { body: begun } = await berth.deleteTenant({ org, tenant: name })
    await berth.waitForOperation(begun, { timeoutMs: 120_000 })
    await untilTold('tenant.deleted')
    expect((await berth.listTenants({ org })).body.items).toEqual([])
    const items = usageOf((await berth.listUsage({ org, step: 'total' })).body)
    expect(items).toMatchObject([{ tenant: name, deleted: true }])
    // At least once, and known by its id: what is repeated has the same.
    for (const type of ['tenant.created', 'tenant.ready', 'tenant.paused', 'tenant.deleted'])
      expect([type, told(type).size]).toEqual([type, 1])
    expect(receiver.deliveries.every(({ verdict }) => verdict === 'valid')).toBe(true)
    await berth.deleteOrganization({ org })
    await waitFor('the organisation gone', async () => {
      const found = await berth.getOrganization({ org }).catch((error: unknown) => error)
      return isApiError(found, 'ORGANIZATION_NOT_FOUND') || Promise.reject(new Error(JSON.stringify(found)))
    })
  })
})
