import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namespaceReport } from '../hack/diagnosis.ts'
import { apply, getJson, superKubectl, type Thing } from './support/kubectl.ts'
import { createTenant, deleteTenants, type Tenant, tenantObject, tenantsNamespace } from './support/tenant.ts'
import { waitFor } from './support/wait.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}
interface ClassStatus {
  readonly tenants: number
  readonly updatedTenants: number
  readonly readyTenants: number
  readonly failedTenants: number
  readonly updatedRevision: string
  readonly conditions: readonly Condition[]
}
type Deployment = Thing & {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly command: readonly string[] }[] } }
  }
  readonly status: { readonly readyReplicas?: number }
}

const plan = 'e2e-plan'
const names = ['plan-a', 'plan-b'] as const
const revisionKey = 'berth.dev/class-revision'

const classWith = (flags: Record<string, string>, version = 'v1.36.3') =>
  apply(superKubectl, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantClass',
    metadata: { name: plan },
    spec: { defaults: { version, controllerManager: { extraArgs: flags } }, limits: { sizes: ['small', 'medium'] } },
  })
const deleteClass = () =>
  superKubectl(['delete', 'tclass', plan, '--ignore-not-found', '--wait', '--timeout=60s'], { timeoutMs: 70_000 })

describe('tenants of a class', () => {
  let tenants: readonly Tenant[] = []

  const statusOf = async () => (await getJson<Thing & { status: ClassStatus }>(superKubectl, ['tclass', plan])).status
  const untilProgress = (expected: RegExp, deadlineMs = 120_000): Promise<ClassStatus> =>
    waitFor(
      `the class to say ${expected}`,
      async () => {
        const status = await statusOf()
        const said = status.conditions
          .map(({ type, status: is, reason, message }) => `${type} ${is} ${reason}: ${message}`)
          .join('\n')
        if (!expected.test(said)) throw new Error(said)
        return status
      },
      {
        deadlineMs,
        report: async () =>
          (await Promise.all(tenants.map((tenant) => namespaceReport(superKubectl, tenant.controlPlaneNamespace)))).join('\n'),
      },
    )
  const managerOf = (tenant: Tenant) =>
    getJson<Deployment>(superKubectl, ['deployment', 'kube-controller-manager', '-n', tenant.controlPlaneNamespace])
  const flagsOf = async (tenant: Tenant) => (await managerOf(tenant)).spec.template.spec.containers[0]?.command.join(' ')
  const revisionOf = async (name: string) =>
    (await getJson(superKubectl, ['tcp', name, '-n', tenantsNamespace])).metadata.annotations?.[revisionKey]
  const both = (): readonly [Tenant, Tenant] => {
    const [first, second] = tenants
    if (!first || !second) throw new Error('the tenants were not made')
    return [first, second]
  }

  beforeAll(async () => {
    await deleteTenants(...names)
    await deleteClass()
    await classWith({ v: '1' })
    tenants = await Promise.all(names.map((name) => createTenant(name, { className: plan })))
  }, 200_000)
  afterAll(async () => {
    await deleteTenants(...names)
    await deleteClass()
  }, 200_000)

  test('are made as it says, without a word of their own', async () => {
    const [first, second] = both()
    expect(await flagsOf(first)).toContain(' --v=1')
    expect(await flagsOf(second)).toContain(' --v=1')
    const status = await untilProgress(/Progressing False Complete/)
    expect(status).toMatchObject({ tenants: 2, updatedTenants: 2, readyTenants: 2 })
  })

  test('beyond its limits are refused, with field, value and limit', async () => {
    const large = tenantObject(names[0], { className: plan, size: 'large' })
    await expect(apply(superKubectl, large)).rejects.toThrow(
      /spec\.size: large is beyond what TenantClass e2e-plan allows \(one of small, medium\)/,
    )
  })

  test('get a change of it one after the other', { timeout: 300_000 }, async () => {
    const [first, second] = both()
    const old = await revisionOf(second.name)
    await classWith({ v: '2' })
    const updated = await waitFor('the first tenant to be changed', async () => {
      const revision = await revisionOf(first.name)
      return revision === old ? undefined : revision
    })
    let seen = 0
    await waitFor(
      'the second tenant to be changed',
      async () => {
        if ((await revisionOf(second.name)) === updated) return true
        seen += 1
        return false
      },
      { deadlineMs: 90_000 },
    )
    expect(seen).toBeGreaterThan(0)
    const manager = await managerOf(first)
    expect(manager.spec.template.spec.containers[0]?.command).toContain('--v=2')
    expect(manager.status.readyReplicas).toBe(1)
    const status = await untilProgress(/Progressing False Complete/)
    expect(status).toMatchObject({ updatedTenants: 2, readyTenants: 2, updatedRevision: updated })
    expect(await flagsOf(second)).toContain(' --v=2')
  })

  test('keep out of a bad change but for the first, which is named, and all go on when it is mended', {
    timeout: 200_000,
  }, async () => {
    const [first, second] = both()
    const untouched = (await managerOf(second)).metadata.generation
    await classWith({ 'no-such-flag': 'x' })
    const stopped = await untilProgress(/Degraded True TenantFailed/)
    expect(stopped.conditions.find(({ type }) => type === 'Degraded')?.message).toMatch(
      /stopped at tenant default\/plan-a: ControllerManagerReady: .*unknown flag: --no-such-flag/,
    )
    expect(stopped).toMatchObject({ updatedTenants: 1, failedTenants: 1 })
    expect((await managerOf(second)).metadata.generation).toBe(untouched)
    expect(await flagsOf(second)).toContain(' --v=2')

    await classWith({ v: '2' })
    await untilProgress(/Progressing False Complete/)
    expect(await flagsOf(first)).toContain(' --v=2')
    // It was at this revision before: nothing of it started anew.
    expect((await managerOf(second)).metadata.generation).toBe(untouched)
  })

  test('are upgraded by it one after the other', { timeout: 300_000 }, async () => {
    const [first, second] = both()
    const before = await revisionOf(second.name)
    await classWith({ v: '2' }, 'v1.37.1')
    await waitFor('the second tenant to be changed', async () => (await revisionOf(second.name)) !== before, {
      deadlineMs: 150_000,
    })
    const { status } = await getJson(superKubectl, ['tcp', first.name, '-n', tenantsNamespace])
    expect(status).toMatchObject({ version: 'v1.37.1', upgrade: { phase: 'Done' } })
    await untilProgress(/Progressing False Complete/, 150_000)
    for (const { kubectl } of [first, second])
      expect(JSON.parse(await kubectl(['get', '--raw', '/version']))).toMatchObject({ gitVersion: 'v1.37.1' })
  })
})
