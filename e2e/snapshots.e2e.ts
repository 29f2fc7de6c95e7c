import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namespaceReport } from '../hack/diagnosis.ts'
import { exitCodes } from '../src/cli/exit-codes.ts'
import { berth } from './support/berth.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { configMap, deployment, idle, namespace, pod, secret, shell } from './support/objects.ts'
import { s3Storage, startS3, stopS3 } from './support/s3.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { waitFor } from './support/wait.ts'

const name = 'archive'
const at = ['-n', tenantsNamespace]
const snapshotOf = (snapshot: string) => getJson(superKubectl, ['controlplanesnapshot', snapshot, ...at])
const planeOf = () => getJson(superKubectl, ['tcp', name, ...at])

interface Condition {
  readonly type: string
  readonly status: string
  readonly message: string
}
const conditionOf = async (type: string): Promise<Condition | undefined> =>
  ((await planeOf()).status?.['conditions'] as Condition[] | undefined)?.find((condition) => condition.type === type)

describe('snapshots of a tenant', () => {
  let tenant: Tenant
  const superPods = async () =>
    (await listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${tenant.uid}`])).filter(
      ({ metadata }) => !metadata.name.startsWith('coredns'),
    )
  const uidsOf = (pods: readonly Thing[]) => pods.map(({ metadata }) => `${metadata.name} ${metadata.uid}`).sort()
  const leftOfTasks = async () => {
    const inPlane = ['-n', tenant.controlPlaneNamespace]
    const jobs = await listJson(superKubectl, ['jobs', ...inPlane])
    const secrets = await listJson(superKubectl, ['secrets', ...inPlane])
    return [...jobs, ...secrets].map(({ metadata }) => metadata.name).filter((each) => /^(snapshot|restore)-/.test(each))
  }

  beforeAll(async () => {
    const identity = await generateIdentity()
    const recipients = [await identityToRecipient(identity)]
    await startS3()
    await apply(
      superKubectl,
      // As age-keygen writes it.
      secret(tenantsNamespace, 'age-key', { identity: `# created: 2026-01-01\n# public key: age1\n${identity}\n` }),
      secret(tenantsNamespace, 'other-age-key', { identity: await generateIdentity() }),
    )
    tenant = await createTenant(name, { dataStore: { replicas: 3 }, backup: { storage: s3Storage, recipients, keep: 1 } })
    await apply(
      tenant.kubectl,
      namespace('work'),
      configMap('work', 'kept', { key: 'value' }),
      secret('work', 'hidden', { key: 'a secret value' }),
      deployment('work', 'web', 2, shell(idle)),
    )
    await tenant.kubectl(['wait', '--for=condition=Available', 'deployment/web', '-n', 'work', '--timeout=60s'], {
      timeoutMs: 70_000,
    })
  })
  afterAll(async () => {
    await superKubectl(['delete', 'controlplanesnapshots', '--all', ...at, '--timeout=60s'], { timeoutMs: 70_000 })
    await deleteTenants(name)
    await superKubectl(['delete', 'secret', 'age-key', 'other-age-key', ...at, '--ignore-not-found'])
    await stopS3()
  })

  test('are taken by one command, encrypted, to a bucket', async () => {
    const { code, output } = await berth('snapshot', 'create', name, '--name', 'first')
    expect(code, output).toBe(0)
    const { status } = await snapshotOf('first')
    expect(status).toMatchObject({ phase: 'Complete', encrypted: true, version: tenant.status.version, tenantUid: tenant.uid })
    expect(status?.['location']).toMatch(/^s3:\/\/berth\/stories\/default\/archive\/first\.[0-9a-f]{8}\.berthsnap$/)
    expect(status?.['sha256']).toMatch(/^[0-9a-f]{64}$/)
    expect(status?.['sizeBytes']).toBeGreaterThan(10_000)
    await waitFor('the order, which has keys in it, to be gone', async () => (await leftOfTasks()).length === 0)
    const listed = await berth('snapshot', 'list', name)
    expect(listed.output).toMatch(/first +archive +Complete/)
  })

  test('that cannot be had are refused in words, and the tenant goes on', async () => {
    const before = uidsOf(await listJson(superKubectl, ['pods', '-n', tenant.controlPlaneNamespace]))
    const missing = await berth('restore', name, 'no-such', '--no-save-first')
    expect(missing.code, missing.output).toBe(exitCodes.failed)
    expect(missing.output).toContain('ControlPlaneSnapshot default/no-such is not there')
    const keyless = await berth('restore', name, 'first', '--no-save-first')
    expect(keyless.output).toContain('is encrypted: put the private key of age into a Secret')
    expect(keyless.code).toBe(exitCodes.failed)
    const wrong = await berth('restore', name, 'first', '--identity-secret', 'other-age-key', '--no-save-first')
    expect(wrong.output).toContain('the private key of age does not open the snapshot')
    expect(wrong.code).toBe(exitCodes.failed)
    expect(uidsOf(await listJson(superKubectl, ['pods', '-n', tenant.controlPlaneNamespace]))).toEqual(before)
    expect((await conditionOf('Ready'))?.status).toBe('True')
  })

  test('bring back what was lost; what is the same runs on, and nothing else changes before somebody says so', async () => {
    const before = await superPods()
    expect(before).toHaveLength(2)
    await tenant.kubectl(['delete', 'configmap', 'kept', '-n', 'work'])
    await apply(tenant.kubectl, namespace('later'), pod('later', 'late', shell(idle)))
    await tenant.kubectl(['wait', '--for=condition=Ready', 'pod/late', '-n', 'later', '--timeout=60s'], { timeoutMs: 70_000 })

    const { code, output } = await berth('restore', name, 'first', '--identity-secret', 'age-key', '--no-save-first')
    console.log(output)
    expect(code, output).toBe(0)
    const frozen = await waitFor(
      'syncing to be frozen',
      async () => {
        const condition = await conditionOf('Frozen')
        if (condition?.status !== 'True') throw new Error(JSON.stringify((await planeOf()).status))
        return condition
      },
      { deadlineMs: 60_000, report: () => namespaceReport(superKubectl, tenant.controlPlaneNamespace) },
    )
    expect(frozen.message).toContain('restored from snapshot first')
    expect(await tenant.kubectl(['get', 'configmap', 'kept', '-n', 'work', '-o', 'jsonpath={.data.key}'])).toBe('value')
    const secretValue = await tenant.kubectl(['get', 'secret', 'hidden', '-n', 'work', '-o', 'jsonpath={.data.key}'])
    expect(Buffer.from(secretValue, 'base64').toString()).toBe('a secret value')
    expect(await tenant.kubectl(['get', 'namespace', 'later', '--ignore-not-found'])).toBe('')
    const held = await superPods()
    expect(uidsOf(held)).toEqual(expect.arrayContaining(uidsOf(before)))
    expect(held.map(({ metadata }) => metadata.name)).toContain('late')

    expect((await berth('tenant', 'resume-sync', name)).code).toBe(0)
    await waitFor('what is not in the snapshot to go from super', async () => (await superPods()).length === 2)
    expect(uidsOf(await superPods())).toEqual(uidsOf(before))
    for (const { status } of await superPods())
      expect(JSON.stringify(status?.['containerStatuses'])).toContain('"restartCount":0')
    await waitFor(
      'three members of etcd, and all ready',
      async () => {
        const store = await conditionOf('DataStoreReady')
        const ready = await conditionOf('Ready')
        return (store?.message.startsWith('etcd serves with 3 member') && ready?.status === 'True') || undefined
      },
      { deadlineMs: 120_000, report: () => namespaceReport(superKubectl, tenant.controlPlaneNamespace) },
    )
    const { code: same, output: differences } = await verify(tenant)
    expect(same, differences).toBe(0)
    expect(await leftOfTasks()).toEqual([])
  })

  test('are taken by a schedule, and go with what they store', async () => {
    const patch = (backup: object) =>
      superKubectl(['patch', 'tcp', name, ...at, '--type=merge', '-p', JSON.stringify({ spec: { backup } })])
    await patch({ schedule: '* * * * *' })
    const scheduled = await waitFor(
      'a snapshot of the schedule',
      async () => {
        const all = await listJson(superKubectl, ['controlplanesnapshots', ...at, '-l', `berth.dev/schedule=${name}`])
        return all.find(({ status }) => status?.['phase'] === 'Complete')
      },
      { deadlineMs: 120_000 },
    )
    await patch({ schedule: null })
    // Its finalizer waits for the bucket.
    await superKubectl(['delete', 'controlplanesnapshot', scheduled.metadata.name, ...at, '--timeout=30s'], { timeoutMs: 40_000 })
  })
})
