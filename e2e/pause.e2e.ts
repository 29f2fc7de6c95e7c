import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { secondsOfBareStart } from './support/bare-start.ts'
import { apply, getJson, listJson, refusal, superKubectl, type Thing } from './support/kubectl.ts'
import { claim, configMap, deployment, idle, namespace, pod, service, shell, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, rolledOut, waitFor } from './support/wait.ts'

interface SuperPod extends Thing {
  readonly status: { readonly podIP?: string; readonly phase?: string }
}

/** A wake may take as many times what a bare etcd and kube-apiserver take on this machine: 15 s where those take 2 s. */
const atMostTimesBare = 7.5

/** A control plane that nobody needs for a while goes to zero; what it was for goes on. */
describe('a tenant that is paused', () => {
  let tenant: Tenant

  beforeAll(async () => {
    tenant = await createTenant('rests')
    const { kubectl } = tenant
    await apply(kubectl, namespace('work'), configMap('work', 'kept', { key: 'value' }), claim('work', 'data'))
    await apply(kubectl, deployment('work', 'web', 2, webServer()), service('work', 'web'), pod('work', 'bare', shell(idle)))
    await rolledOut(kubectl, 'work', 'deployment/web')
    await podReady(kubectl, 'work', 'bare')
  })
  afterAll(() => deleteTenants('rests', 'pauses'))

  const setState = (name: string, state: string) =>
    superKubectl(['patch', 'tcp', name, '-n', tenantsNamespace, '--type=merge', '-p', JSON.stringify({ spec: { state } })])
  const until = (name: string, condition: string) =>
    superKubectl(['wait', `--for=condition=${condition}`, `tcp/${name}`, '-n', tenantsNamespace, '--timeout=90s'], {
      timeoutMs: 100_000,
    })
  const planePods = () => listJson(superKubectl, ['pods', '-n', tenant.controlPlaneNamespace])
  const superPods = async (): Promise<SuperPod[]> =>
    (await listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${tenant.uid}`])) as SuperPod[]
  const workPods = async () => (await superPods()).filter(({ metadata }) => metadata.namespace?.includes('work'))
  const replicaSets = async () =>
    (await listJson(superKubectl, ['replicasets', '-n', tenant.controlPlaneNamespace]))
      .map(({ metadata }) => metadata.name)
      .sort()
  let before: SuperPod[] = []
  let revisions: string[] = []

  test('has no control-plane pod any more, keeps its data, and its pods run on', async () => {
    before = await workPods()
    revisions = await replicaSets()
    const claims = await listJson(superKubectl, ['pvc', '-n', tenant.controlPlaneNamespace])
    await setState('rests', 'Paused')
    await until('rests', 'Paused')
    expect(await planePods()).toEqual([])
    expect(await listJson(superKubectl, ['pvc', '-n', tenant.controlPlaneNamespace])).toHaveLength(claims.length)
    const after = await workPods()
    expect(after.map(({ metadata, status }) => [metadata.uid, status.phase])).toEqual(
      before.map(({ metadata }) => [metadata.uid, 'Running']),
    )
    const [web] = after.filter(({ metadata }) => metadata.name.startsWith('web-'))
    const bare = after.find(({ metadata }) => metadata.name === 'bare')
    const answer = await superKubectl([
      'exec',
      'bare',
      '-n',
      bare?.metadata.namespace ?? '',
      '--',
      'wget',
      '-qO-',
      '-T5',
      `http://${web?.status.podIP}:8080/hostname`,
    ])
    expect(answer).toBe(web?.metadata.name)
    expect(await refusal(tenant.kubectl(['get', 'namespaces', '--request-timeout=3s']))).toMatch(
      /refused|timed? ?out|unable to connect/i,
    )
    const row = await superKubectl(['get', 'tcp', 'rests', '-n', tenantsNamespace, '-o', 'wide'])
    expect(row).toMatch(/False .*Paused/)
  })

  test('is told once what happened meanwhile, and nothing else has changed', async () => {
    // A pod of a workload, and one of nobody's, end while nobody can be told.
    const [lost] = before.filter(({ metadata }) => metadata.name.startsWith('web-'))
    await superKubectl(['delete', 'pod', lost?.metadata.name ?? '', '-n', lost?.metadata.namespace ?? '', '--now'])
    const bare = await secondsOfBareStart()
    const began = performance.now()
    await setState('rests', 'Running')
    await until('rests', 'Ready')
    const seconds = (performance.now() - began) / 1000
    console.log(`wake, s: ${seconds.toFixed(1)}; bare etcd and kube-apiserver, s: ${bare.toFixed(1)}`)
    expect(seconds / bare).toBeLessThan(atMostTimesBare)

    const { kubectl } = tenant
    const kept = await getJson<Thing & { data: object }>(kubectl, ['configmap', 'kept', '-n', 'work'])
    expect(kept.data).toEqual({ key: 'value' })
    await waitFor('the lost pod replaced', async () => {
      const pods = await listJson(kubectl, ['pods', '-n', 'work', '-l', 'app=web'])
      return pods.length === 2 && !pods.some(({ metadata }) => metadata.name === lost?.metadata.name)
    })
    await rolledOut(kubectl, 'work', 'deployment/web')
    const now = (await workPods()).map(({ metadata }) => metadata.uid)
    const still = before.filter(({ metadata }) => metadata.uid !== lost?.metadata.uid)
    expect(now).toEqual(expect.arrayContaining(still.map(({ metadata }) => metadata.uid)))
    expect(await replicaSets()).toEqual(revisions)
    const { code, output } = await verify(tenant)
    expect(code, output).toBe(0)
  })

  test('can be deleted as it is', async () => {
    const other = await createTenant('pauses')
    await setState('pauses', 'Paused')
    await until('pauses', 'Paused')
    await deleteTenants('pauses')
    expect(await listJson(superKubectl, ['namespaces', '-l', `berth.dev/control-plane=${other.uid}`])).toEqual([])
  })
})
