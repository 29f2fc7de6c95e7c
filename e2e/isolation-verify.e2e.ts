import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { berthImage } from '../hack/berth-image.ts'
import { applyBerth } from '../hack/install/index.ts'
import { printProgress } from '../hack/progress.ts'
import { attempt } from '../hack/run.ts'
import { getJson, listJson, superKubectl, world } from './support/kubectl.ts'
import { agnhost } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { waitFor } from './support/wait.ts'

const option = join(import.meta.dirname, '../manifests/options/isolation-verify')
const system = 'berth-system'
const cli = join(import.meta.dirname, '../src/bin/cli.ts')

interface Outcome {
  readonly code: number | undefined
  readonly results: readonly { readonly id: string; readonly origin: string; readonly result: string; readonly message: string }[]
}

/** `berth isolation verify` as an operator runs it. */
const isolationVerify = async (tenant: Tenant, ...more: readonly string[]): Promise<Outcome> => {
  // Other stories keep the machine busy meanwhile. Only what never comes is waited for so long.
  const access = ['-n', tenantsNamespace, '--kubeconfig', world().superKubeconfig, '--image', agnhost, '--wait', '60']
  const args = [cli, 'isolation', 'verify', tenant.name, ...access, '-o', 'json', ...more]
  const { code, output } = await attempt(process.execPath, args, { timeoutMs: 560_000 })
  if (!output.startsWith('{')) throw new Error(`berth isolation verify ended with ${code}: ${output}`)
  const { results }: Pick<Outcome, 'results'> = JSON.parse(output)
  for (const { id, result, message } of results) console.log(`${tenant.name} ${id} ${result}: ${message}`)
  return { code, results }
}

const idsOf = ({ results }: Outcome, result: string): readonly string[] =>
  results
    .filter((each) => each.result === result)
    .map(({ id, message }) => (result === 'not-applicable' ? id : `${id}: ${message}`))

const quota = {
  hard: {
    'requests.cpu': '8',
    'limits.cpu': '16',
    'requests.memory': '16Gi',
    'limits.memory': '16Gi',
    'requests.ephemeral-storage': '20Gi',
    'limits.ephemeral-storage': '20Gi',
    pods: '100',
    services: '50',
    replicationcontrollers: '10',
    resourcequotas: '10',
    secrets: '500',
    configmaps: '500',
    persistentvolumeclaims: '20',
    'services.nodeports': '0',
    'services.loadbalancers': '2',
  },
}

describe('isolation that is tried', () => {
  let strict: Tenant
  let plain: Tenant

  beforeAll(async () => {
    ;[strict, plain] = await Promise.all([
      createTenant('isolation-strict', { isolation: { profile: 'restricted', quota } }),
      createTenant('isolation-plain'),
    ])
  })
  afterAll(() => deleteTenants('isolation-strict', 'isolation-plain'))

  // Both at once: mostly they wait.
  test.concurrent('on restricted all 24 checks of the benchmarks pass, and ours', { timeout: 600_000 }, async () => {
    const outcome = await isolationVerify(strict)
    expect([...idsOf(outcome, 'fail'), ...idsOf(outcome, 'error')]).toEqual([])
    expect(outcome.results.filter(({ origin, result }) => origin !== 'berth' && result === 'pass')).toHaveLength(24)
    expect(outcome.code).toBe(0)
  })

  test.concurrent('on baseline it says which do not apply, and all others pass', { timeout: 600_000 }, async () => {
    const outcome = await isolationVerify(plain, '--record')
    expect([...idsOf(outcome, 'fail'), ...idsOf(outcome, 'error')]).toEqual([])
    expect(idsOf(outcome, 'not-applicable')).toEqual([
      'MTB-PL1-BC-CPI-3',
      'MTB-PL1-BC-CPI-4',
      'MTB-PL1-BC-CPI-6',
      'MTB-PL1-CC-DI-1',
      'MTB-PL1-BC-HI-1-NODEPORT',
      'MTB-PL1-CC-FNS-1',
      'MTB-PL1-CC-FNS-2',
    ])
    expect(outcome.code).toBe(0)
    await superKubectl(
      ['wait', '--for=condition=IsolationVerified', `tcp/${plain.name}`, '-n', tenantsNamespace, '--timeout=30s'],
      {
        timeoutMs: 40_000,
      },
    )
  })

  test('by schedule it runs under an account of its own, which the option installs', { timeout: 480_000 }, async () => {
    const plane = ['tcp', plain.name, '-n', tenantsNamespace]
    const patch = (verify: object | null) =>
      superKubectl(['patch', ...plane, '--type=merge', '-p', JSON.stringify({ spec: { isolation: { verify } } })])
    const untilReason = (reason: string, seconds: number): Promise<string> =>
      superKubectl(
        [
          'wait',
          `--for=jsonpath={.status.conditions[?(@.type=="IsolationVerified")].reason}=${reason}`,
          ...plane,
          `--timeout=${seconds}s`,
        ],
        { timeoutMs: (seconds + 10) * 1000 },
      )
    const { metadata } = await getJson(superKubectl, plane)
    const runs = () => listJson(superKubectl, ['cronjobs', '-n', system, '-l', `berth.dev/isolation-verify=${metadata.uid}`])
    await superKubectl(['annotate', ...plane, 'berth.dev/isolation-verified-'])
    await patch({ schedule: '0 0 1 1 *' })
    try {
      // Where the option is not installed, the tenant says so.
      await untilReason('NotInstalled', 60)
      await applyBerth(superKubectl, await berthImage(printProgress()), {
        side: 'options/isolation-verify',
        progress: printProgress(),
      })
      await untilReason('NotVerified', 90)
      const [run] = await waitFor('the CronJob', async () => {
        const found = await runs()
        return found.length === 1 ? found : Promise.reject(new Error(`${found.length} CronJobs`))
      })
      await superKubectl(['create', 'job', 'verify-now', '-n', system, `--from=cronjob/${run?.metadata.name}`])
      await untilReason('ChecksPassed', 280).catch(async (error: unknown) => {
        throw new Error(await superKubectl(['logs', 'job/verify-now', '-n', system]), { cause: error })
      })
      await superKubectl(['wait', '--for=condition=Complete', 'job/verify-now', '-n', system, '--timeout=30s'], {
        timeoutMs: 40_000,
      })
      await patch(null)
      await waitFor('no CronJob', async () => {
        const found = await runs()
        return found.length === 0 || Promise.reject(new Error(found.map((each) => each.metadata.name).join()))
      })
    } finally {
      await patch(null)
      await superKubectl(['delete', 'job', 'verify-now', '-n', system, '--ignore-not-found'])
      const files = ['rights.yaml', 'admission.yaml'].flatMap((file) => ['-f', join(option, file)])
      await superKubectl(['delete', ...files, '--ignore-not-found', '--timeout=60s'], { timeoutMs: 70_000 })
    }
  })

  test('it leaves nothing behind', async () => {
    for (const kubectl of [strict.kubectl, plain.kubectl, superKubectl])
      await waitFor('no namespace of a check', async () => {
        const names = await kubectl(['get', 'namespaces', '-l', 'berth.dev/isolation-check', '-o', 'name'])
        return names.trim() === '' || Promise.reject(new Error(names))
      })
  })
})
