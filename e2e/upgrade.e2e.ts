import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namespaceReport } from '../hack/diagnosis.ts'
import { exitCodes } from '../src/cli/exit-codes.ts'
import { berth } from './support/berth.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { configMap, deployment, idle, namespace, shell } from './support/objects.ts'
import { s3Storage, startS3, stopS3 } from './support/s3.ts'
import { whileWriting } from './support/steady-writer.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { tenantEtcdctl } from './support/tenant-etcd.ts'
import { verify } from './support/verify.ts'
import { waitFor } from './support/wait.ts'

const [from, to] = ['v1.36.3', 'v1.37.1']
const at = ['-n', tenantsNamespace]

interface Upgrade {
  readonly phase: string
  readonly message: string
  readonly failure?: string
  readonly snapshotName?: string
}

const statusOf = async (tenant: Tenant) => (await getJson(superKubectl, ['tcp', tenant.name, ...at])).status
const upgradeOf = async (tenant: Tenant): Promise<Upgrade | undefined> =>
  (await statusOf(tenant))?.['upgrade'] as Upgrade | undefined
const patch = (tenant: Tenant, spec: object) =>
  superKubectl(['patch', 'tcp', tenant.name, ...at, '--type=merge', '-p', JSON.stringify({ spec })])
const until = (tenant: Tenant, expected: RegExp, deadlineMs: number): Promise<Upgrade> =>
  waitFor(
    `the upgrade to say ${expected}`,
    async () => {
      const upgrade = await upgradeOf(tenant)
      const said = `${upgrade?.phase}: ${upgrade?.message}`
      if (!upgrade || !expected.test(said)) throw new Error(said)
      return upgrade
    },
    { deadlineMs, report: () => namespaceReport(superKubectl, tenant.controlPlaneNamespace) },
  )
const served = async (tenant: Tenant): Promise<string> =>
  JSON.parse(await tenant.kubectl(['get', '--raw', '/version'])).gitVersion as string
/** Pods of the tenant in super, with how often their containers were started anew. */
const superPods = async (tenant: Tenant): Promise<string[]> =>
  (await listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${tenant.uid}`]))
    .map((pod) => {
      const statuses = ((pod as Thing & { status?: { containerStatuses?: { restartCount: number }[] } }).status
        ?.containerStatuses ?? []) as { restartCount: number }[]
      return `${pod.metadata.name} ${pod.metadata.uid} ${statuses.map(({ restartCount }) => restartCount).join()}`
    })
    .sort()
const withWork = async (name: string, spec: object): Promise<Tenant> => {
  const tenant = await createTenant(name, { version: from, ...spec })
  await apply(
    tenant.kubectl,
    namespace('work'),
    configMap('work', 'kept', { key: 'value' }),
    deployment('work', 'web', 1, shell(idle)),
  )
  await tenant.kubectl(['wait', '--for=condition=Available', 'deployment/web', '-n', 'work', '--timeout=60s'], {
    timeoutMs: 70_000,
  })
  return tenant
}

describe('a tenant that goes to the next minor version', () => {
  let tenant: Tenant
  beforeAll(async () => {
    tenant = await withWork('upgraded', {})
  })
  afterAll(() => deleteTenants('upgraded'))

  test('is not touched while something of it would not work after it', async () => {
    const guard = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'guard' },
      webhooks: [
        {
          name: 'guard.example.com',
          clientConfig: { service: { namespace: 'work', name: 'guard' } },
          rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    }
    await apply(tenant.kubectl, guard)
    await patch(tenant, { version: to })
    const { message } = await until(tenant, /^Blocked/, 60_000)
    expect(message).toMatch(/webhook guard\.example\.com asks Service work\/guard, which has no ready endpoint/)
    expect(await served(tenant)).toBe(from)
    await patch(tenant, { version: from })
    await waitFor('the upgrade to be forgotten', async () => (await upgradeOf(tenant)) === undefined, { deadlineMs: 60_000 })
    await tenant.kubectl(['delete', 'validatingwebhookconfiguration', 'guard'])
  })

  test('goes there under a steady writer with no write lost, and its pods notice nothing', async () => {
    const pods = await superPods(tenant)
    let output = ''
    const written = await whileWriting(tenant, 'upgrade', async () => {
      const done = await berth('tenant', 'upgrade', tenant.name, to, '--timeout', '240')
      output = done.output
      expect(done.code, output).toBe(exitCodes.done)
    })
    expect(written.failed).toEqual([])
    expect(written.longestGapMs).toBeLessThan(30_000)
    expect(output).toMatch(/Verifying: .*\n.*v1\.37\.1 runs/)
    expect(await served(tenant)).toBe(to)
    expect(await statusOf(tenant)).toMatchObject({ version: to, upgrade: { phase: 'Done', from, to } })
    expect(await superPods(tenant)).toEqual(pods)
    expect((await berth('tenant', 'upgrade', tenant.name, from)).output).toMatch(/spec\.version: .*cannot go back/)
    const verified = await verify(tenant)
    expect(verified.code, verified.output).toBe(0)
  })
})

describe('a version that breaks', () => {
  let tenant: Tenant
  beforeAll(async () => {
    await startS3()
    // Known to 1.36, and an error to 1.37, which has dropped it.
    const broken = { extraArgs: { 'feature-gates': 'JobSuccessPolicy=true' } }
    tenant = await withWork('broken', { apiServer: broken, backup: { storage: s3Storage } })
  })
  afterAll(async () => {
    await superKubectl(['delete', 'controlplanesnapshots', '--all', ...at, '--timeout=60s'], { timeoutMs: 70_000 })
    await deleteTenants('broken')
    await stopS3()
  })

  test('is given up without an interruption: the version before never went', async () => {
    const pods = await superPods(tenant)
    let failed: Awaited<ReturnType<typeof berth>> | undefined
    const written = await whileWriting(tenant, 'an upgrade that fails', async () => {
      failed = await berth('tenant', 'upgrade', tenant.name, to, '--timeout', '240')
    })
    expect([failed?.code, failed?.output]).toEqual([
      exitCodes.failed,
      expect.stringMatching(/Saving: .*[^]*GoingBack: .*unrecognized feature gate/),
    ])
    expect(written.failed).toEqual([])
    const upgrade = await upgradeOf(tenant)
    expect(upgrade?.message).toMatch(
      /v1\.36\.3 runs again, with the data as they are\. v1\.37\.1 was given up: API server: .*JobSuccessPolicy/,
    )
    expect([await served(tenant), await superPods(tenant)]).toEqual([from, pods])
    const { status } = await getJson(superKubectl, ['controlplanesnapshot', upgrade?.snapshotName ?? '', ...at])
    expect(status).toMatchObject({ phase: 'Complete', version: from })
  })

  test('and leaves data that nobody can read gets the data back as well', { timeout: 540_000 }, async () => {
    const pods = await superPods(tenant)
    await patch(tenant, { version: to, upgrade: { requestedAt: new Date().toISOString(), timeoutSeconds: 60 } })
    await until(tenant, /^RollingOut/, 90_000)
    await tenant.kubectl(['create', 'configmap', 'written-after', '-n', 'work'])
    await tenantEtcdctl(tenant, 'put', '/registry/podtemplates/work/harmed', 'not an object')
    const upgrade = await until(tenant, /^Failed/, 300_000)
    expect(upgrade.message).toMatch(/v1\.36\.3 runs again, with the data of snapshot broken-before-v1-37-1-[a-z2-7]{8}/)
    await tenant.kubectl(['get', 'podtemplates', '-n', 'work'])
    expect(await tenant.kubectl(['get', 'configmaps', '-n', 'work', '-o', 'name'])).not.toContain('written-after')
    const resumed = await berth('tenant', 'resume-sync', tenant.name)
    expect(resumed.code, resumed.output).toBe(exitCodes.done)
    await superKubectl(['wait', '--for=condition=Ready', `tcp/${tenant.name}`, ...at, '--timeout=90s'], { timeoutMs: 100_000 })
    expect([await served(tenant), await superPods(tenant)]).toEqual([from, pods])
    const verified = await verify(tenant)
    expect(verified.code, verified.output).toBe(0)
  })
})
