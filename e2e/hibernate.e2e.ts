import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { secondsOfBareStart } from './support/bare-start.ts'
import { apply, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { deployment, idle, namespace, pod, podSpec, service, shell, statefulSet, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, rolledOut, waitFor } from './support/wait.ts'

interface Pod extends Thing {
  readonly spec: { readonly nodeName?: string }
  readonly status: { readonly phase?: string; readonly podIP?: string; readonly conditions?: readonly object[] }
}

/** As in a pause: 15 s where a bare etcd and kube-apiserver take 2 s. */
const atMostTimesBare = 7.5

/** A tenant whose platform wants its whole place back for a while, and that finds everything again. */
describe('a tenant that hibernates', () => {
  let tenant: Tenant
  let before: Pod[] = []

  beforeAll(async () => {
    tenant = await createTenant('sleeps')
    const { kubectl } = tenant
    const job = (name: string, script: string, spec: object = {}): object => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { namespace: 'work', name },
      spec: {
        backoffLimit: 0,
        template: { spec: podSpec(shell(script), { restartPolicy: 'Never', ...spec }) },
      },
    })
    const first = { ...shell('true'), name: 'first' }
    await apply(
      kubectl,
      namespace('work'),
      deployment('work', 'web', 2, webServer()),
      service('work', 'web'),
      ...statefulSet('work', 'store', 1, shell(`[ -e /data/made ] || date +%N > /data/made; ${idle}`)),
      pod('work', 'bare', shell(idle)),
      job('done', 'echo done'),
      // Counts a failure once its pod is lost, and tolerates none.
      job('long', `if [ -e /data/go ]; then exit 0; fi; while [ ! -e /data/go ]; do sleep 0.2; done`, {
        initContainers: [first],
      }),
    )
    await rolledOut(kubectl, 'work', 'deployment/web')
    await rolledOut(kubectl, 'work', 'statefulset/store')
    await podReady(kubectl, 'work', 'bare')
    await kubectl(['wait', '--for=condition=complete', 'job/done', '-n', 'work', '--timeout=60s'])
    await waitFor('the long job at work', async () => {
      const [running] = await podsOf('job-name=long')
      return running?.status.conditions !== undefined && running.status.phase === 'Running'
    })
  })
  afterAll(() => deleteTenants('sleeps'))

  const setState = (state: string) =>
    superKubectl(['patch', 'tcp', 'sleeps', '-n', tenantsNamespace, '--type=merge', '-p', JSON.stringify({ spec: { state } })])
  const until = (condition: string) =>
    superKubectl(['wait', `--for=condition=${condition}`, 'tcp/sleeps', '-n', tenantsNamespace, '--timeout=90s'], {
      timeoutMs: 100_000,
    })
  const podsOf = async (selector = ''): Promise<Pod[]> =>
    (await listJson(tenant.kubectl, ['pods', '-n', 'work', ...(selector ? ['-l', selector] : [])])) as Pod[]
  const superPods = async (): Promise<Pod[]> =>
    (await listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${tenant.uid}`])) as Pod[]
  const identity = ({ metadata, spec }: Pod) => [metadata.name, metadata.uid, spec.nodeName]
  const made = () => tenant.kubectl(['exec', 'store-0', '-n', 'work', '--', 'cat', '/data/made'])
  let stamp = ''

  test('leaves nothing that runs, and keeps what it has', async () => {
    before = await podsOf()
    stamp = await made()
    const claims = await listJson(superKubectl, ['pvc', '-A', '-l', `berth.dev/tenant=${tenant.uid}`])
    await setState('Hibernated')
    await until('Paused')
    expect(await listJson(superKubectl, ['pods', '-n', tenant.controlPlaneNamespace])).toEqual([])
    // What has ended runs nothing, and its log is still there to be read.
    expect((await superPods()).map(({ status }) => status.phase)).toEqual(['Succeeded'])
    expect(await listJson(superKubectl, ['pvc', '-A', '-l', `berth.dev/tenant=${tenant.uid}`])).toHaveLength(claims.length)
    expect(await superKubectl(['get', 'tcp', 'sleeps', '-n', tenantsNamespace, '-o', 'wide'])).toMatch(/False .*Hibernated/)
  })

  test('wakes with the same pods, each on its node, and its data', async () => {
    const bare = await secondsOfBareStart()
    const began = performance.now()
    await setState('Running')
    await until('Ready')
    const seconds = (performance.now() - began) / 1000
    const { kubectl } = tenant
    // The tenant's pods say what they said before, until each has been told anew: what counts is whether they do their work.
    const answer = await waitFor('the web server to answer', () =>
      kubectl(['exec', 'bare', '-n', 'work', '--', 'wget', '-qO-', '-T2', 'http://web.work/hostname']),
    )
    const all = (performance.now() - began) / 1000
    console.log(
      `wake, s: ${seconds.toFixed(1)}, with its pods ${all.toFixed(1)}; bare etcd and kube-apiserver, s: ${bare.toFixed(1)}`,
    )
    expect(seconds / bare).toBeLessThan(atMostTimesBare)
    expect((await podsOf()).map(identity)).toEqual(before.map(identity))
    await rolledOut(kubectl, 'work', 'deployment/web')
    expect(await waitFor('the store to be read', made)).toBe(stamp)
    expect(answer).toMatch(/^web-/)
  })

  test('a job that was interrupted goes on without counting a failure', async () => {
    await waitFor('the long job at work again', async () => (await podsOf('job-name=long'))[0]?.status.phase === 'Running')
    const [running] = await podsOf('job-name=long')
    await tenant.kubectl(['exec', running?.metadata.name ?? '', '-n', 'work', '--', 'sh', '-c', 'mkdir -p /data; touch /data/go'])
    await tenant.kubectl(['wait', '--for=condition=complete', 'job/long', '-n', 'work', '--timeout=60s'])
    expect(identity((await podsOf('job-name=long'))[0] as Pod)).toEqual(
      identity(before.find(({ metadata }) => metadata.name.startsWith('long-')) as Pod),
    )
    const { code, output } = await verify(tenant)
    expect(code, output).toBe(0)
  })

  test('can hibernate from a pause, and be deleted as it sleeps', async () => {
    await setState('Paused')
    await until('Paused')
    expect((await superPods()).filter(({ status }) => status.phase === 'Running').length).toBeGreaterThan(3)
    await setState('Hibernated')
    await superKubectl([
      'wait',
      "--for=jsonpath={.status.conditions[?(@.type=='Paused')].reason}=Hibernated",
      'tcp/sleeps',
      '-n',
      tenantsNamespace,
      '--timeout=90s',
    ])
    expect((await superPods()).filter(({ status }) => status.phase === 'Running')).toEqual([])
    await deleteTenants('sleeps')
    expect(await superPods()).toEqual([])
    expect(await listJson(superKubectl, ['namespaces', '-l', `berth.dev/control-plane=${tenant.uid}`])).toEqual([])
  })
})
