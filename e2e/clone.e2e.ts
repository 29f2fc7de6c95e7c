import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../src/cli/exit-codes.ts'
import { berth } from './support/berth.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { configMap, deployment, idle, namespace, pod, secret, service, shell, statefulSet, webServer } from './support/objects.ts'
import { s3Storage, startS3, stopS3 } from './support/s3.ts'
import { createTenant, deleteTenants, openTenant, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, rolledOut, waitFor } from './support/wait.ts'

const at = ['-n', tenantsNamespace]
const offsetOf = (address: string): string => address.split('.')[3] ?? ''

/** An operator who wants a second tenant like the first, and one who has nothing left of a tenant but its snapshot. */
describe('a clone of a tenant', () => {
  let source: Tenant
  let clone: Tenant
  let before: readonly Thing[]

  const superPods = ({ uid }: Tenant) => listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${uid}`])
  const uidsOf = (things: readonly Thing[]) => things.map(({ metadata }) => `${metadata.name} ${metadata.uid}`).sort()
  const addressOf = async ({ kubectl }: Tenant, name: string, space: string): Promise<string> =>
    kubectl(['get', 'service', name, '-n', space, '-o', 'jsonpath={.spec.clusterIP}'])
  const valueOf = async ({ kubectl }: Tenant) =>
    Buffer.from(await kubectl(['get', 'secret', 'hidden', '-n', 'work', '-o', 'jsonpath={.data.key}']), 'base64').toString()

  beforeAll(async () => {
    const identity = await generateIdentity()
    await startS3()
    await apply(superKubectl, secret(tenantsNamespace, 'clone-age-key', { identity }))
    const recipients = [await identityToRecipient(identity)]
    source = await createTenant('original', { backup: { storage: s3Storage, recipients } })
    const { kubectl } = source
    await apply(
      kubectl,
      namespace('work'),
      configMap('work', 'kept', { key: 'value' }),
      secret('work', 'hidden', { key: 'a secret value' }),
      deployment('work', 'web', 2, webServer()),
      service('work', 'web'),
      ...statefulSet('work', 'store', 1, shell(`[ -e /data/made ] || hostname > /data/made; ${idle}`)),
      pod('work', 'bare', shell(idle)),
    )
    await rolledOut(kubectl, 'work', 'deployment/web')
    await rolledOut(kubectl, 'work', 'statefulset/store')
    await podReady(kubectl, 'work', 'bare')
    const taken = await berth('snapshot', 'create', 'original', '--name', 'to-clone')
    expect(taken.code, taken.output).toBe(0)
    before = await superPods(source)
  })
  afterAll(async () => {
    await deleteTenants('original', 'copy', 'heir')
    await superKubectl(['delete', 'controlplanesnapshots', '--all', ...at, '--timeout=60s'], { timeoutMs: 70_000 })
    await superKubectl(['delete', 'secret', 'clone-age-key', ...at, '--ignore-not-found'])
    await stopS3()
  })

  test('can be trusted to come to life: a drill starts an API server on its snapshot and reads all of it', async () => {
    const keyless = await berth('snapshot', 'drill', 'to-clone')
    expect(keyless.code, keyless.output).toBe(exitCodes.failed)
    expect(keyless.output).toContain('name it in spec.drill.identitySecretName')
    const { code, output } = await berth('snapshot', 'drill', 'to-clone', '--identity-secret', 'clone-age-key')
    console.log(output)
    expect(code, output).toBe(0)
    const { status } = await getJson(superKubectl, ['controlplanesnapshot', 'to-clone', ...at])
    expect(status?.['drill']).toMatchObject({ result: 'Passed' })
    expect(status?.['conditions']).toContainEqual(expect.objectContaining({ type: 'Verified', status: 'True' }))
    await waitFor('what the drill made to be gone', async () => {
      const inPlane = ['-n', source.controlPlaneNamespace]
      const left = [
        ...(await listJson(superKubectl, ['jobs', ...inPlane])),
        ...(await listJson(superKubectl, ['secrets', ...inPlane])),
      ]
      return left.every(({ metadata }) => !metadata.name.startsWith('snapshot-drill'))
    })
  })

  test('goes on being trusted: the next drill comes by schedule, and the tenant says how the last one ended', async () => {
    interface Told {
      readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
      readonly backup?: {
        readonly lastDrill: { readonly snapshotName: string; readonly startedAt: string; readonly result: string }
      }
    }
    const setDrill = (drill: object | null) =>
      superKubectl(['patch', 'tcp', 'original', ...at, '--type=merge', '-p', JSON.stringify({ spec: { backup: { drill } } })])
    const told = async (): Promise<Told> =>
      (await getJson<Thing & { status: Told }>(superKubectl, ['tcp', 'original', ...at])).status
    const { status } = await getJson(superKubectl, ['controlplanesnapshot', 'to-clone', ...at])
    const byHand = (status?.['drill'] as { startedAt?: string } | undefined)?.startedAt ?? ''
    await setDrill({ schedule: '* * * * *', identitySecretName: 'clone-age-key' })
    const { conditions, backup } = await waitFor(
      'a drill by schedule',
      async () => {
        const seen = await told()
        if ((seen.backup?.lastDrill.startedAt ?? byHand) <= byHand) throw new Error(JSON.stringify(seen.backup))
        return seen
      },
      { deadlineMs: 150_000 },
    )
    // A clone takes over the plan of its source, and has nothing to drill.
    await setDrill(null)
    expect(backup?.lastDrill).toMatchObject({ snapshotName: 'to-clone', result: 'Passed' })
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'BackupProven', status: 'True', reason: 'DrillPassed' }))
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }))
    await waitFor('the schedule to be taken back', async () => (await told()).backup === undefined)
  })

  test('is made by one command and has all that was saved, with addresses of its own', async () => {
    const began = performance.now()
    const { code, output } = await berth('clone', 'to-clone', 'copy', '--identity-secret', 'clone-age-key')
    console.log(output)
    expect(code, output).toBe(0)
    clone = await openTenant('copy', began)
    expect(await valueOf(clone)).toBe('a secret value')
    expect(await clone.kubectl(['get', 'configmap', 'kept', '-n', 'work', '-o', 'jsonpath={.data.key}'])).toBe('value')
    for (const [name, space] of [
      ['kubernetes', 'default'],
      ['kube-dns', 'kube-system'],
      ['web', 'work'],
    ] as const) {
      const [old, made] = [await addressOf(source, name, space), await addressOf(clone, name, space)]
      expect(made, name).not.toBe(old)
      expect(offsetOf(made), name).toBe(offsetOf(old))
    }
  })

  test('runs what was saved, on nodes and volumes of its own, and its names lead to itself', async () => {
    const { kubectl } = clone
    await rolledOut(kubectl, 'work', 'deployment/web')
    await rolledOut(kubectl, 'work', 'statefulset/store')
    await podReady(kubectl, 'work', 'bare')
    const made = await superPods(clone)
    expect(made).toHaveLength(before.length)
    const web = (await listJson(kubectl, ['pods', '-n', 'work', '-l', 'app=web'])).map(({ metadata }) => metadata.name)
    const answer = await waitFor('an answer of the Service', () =>
      kubectl(['exec', 'bare', '-n', 'work', '--', 'wget', '-q', '-T', '2', '-O', '-', 'http://web.work/hostname']),
    )
    expect(web).toContain(answer.trim())
    const volumeOf = async (tenant: Tenant) =>
      tenant.kubectl(['get', 'pvc', 'data-store-0', '-n', 'work', '-o', 'jsonpath={.spec.volumeName}'])
    expect(await volumeOf(clone)).not.toBe(await volumeOf(source))
    const { code, output } = await verify(clone)
    expect(code, output).toBe(0)
  })

  test('leaves the tenant that was saved as it was', async () => {
    const now = await superPods(source)
    expect(uidsOf(now)).toEqual(uidsOf(before))
    for (const { status } of now) expect(JSON.stringify(status?.['containerStatuses'])).toContain('"restartCount":0')
    const { code, output } = await verify(source)
    expect(code, output).toBe(0)
    expect(await addressOf(source, 'web', 'work')).toMatch(new RegExp(`^${source.status.serviceSlice.replace(/0\/24$/, '')}`))
  })

  test('can be had of an encrypted snapshot when the tenant itself is gone, with its keys', async () => {
    await deleteTenants('original')
    const { code, output } = await berth('clone', 'to-clone', 'heir', '--identity-secret', 'clone-age-key')
    expect(code, output).toBe(0)
    const heir = await openTenant('heir', performance.now())
    expect(await valueOf(heir)).toBe('a secret value')
    await rolledOut(heir.kubectl, 'work', 'deployment/web')
    const { status } = await getJson(superKubectl, ['tcp', 'heir', ...at])
    expect(status?.['restore']).toMatchObject({ phase: 'Done', snapshotName: 'to-clone' })
  })
})
