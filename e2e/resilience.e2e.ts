import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tenantLabel } from '../src/tenancy/marks.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import { killComponent } from './support/kill.ts'
import { apply, listJson, superKubectl } from './support/kubectl.ts'
import { configMap, deployment, namespace, pod, service, statefulSet, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { podReady, rolledOut, waitFor } from './support/wait.ts'

const configured = { env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }] }

describe('nothing is lost when parts of Berth are', () => {
  let tenant: Tenant
  beforeAll(async () => {
    tenant = await createTenant('tough')
    await apply(
      tenant.kubectl,
      namespace('app'),
      configMap('app', 'settings', { colour: 'red' }),
      service('app', 'web'),
      deployment('app', 'web', 4, webServer(configured)),
      ...statefulSet('app', 'db', 1, webServer()),
      configMap('app', 'lonely', { key: 'value' }),
      pod('app', 'lonely', webServer(), { volumes: [{ name: 'lonely', configMap: { name: 'lonely' } }] }),
    )
    await rolledOut(tenant.kubectl, 'app', 'deployment/web')
    await rolledOut(tenant.kubectl, 'app', 'statefulset/db')
    await podReady(tenant.kubectl, 'app', 'lonely')
  })
  afterAll(async () => {
    await superKubectl(['scale', 'deployment/berth-syncer', '-n', 'berth-system', '--replicas=1'])
    await deleteTenants('tough')
  })

  const expectEqual = async (): Promise<void> => {
    const { code, output } = await verify(tenant)
    expect(code, output).toBe(0)
  }

  test('with nothing disturbed both sides are equal', expectEqual)

  test('manager, syncer and vn-agent killed during a rollout', async () => {
    const { kubectl } = tenant
    await kubectl(['set', 'env', 'deployment/web', '-n', 'app', 'ROUND=2'])
    const syncerBack = await killComponent('berth-syncer', 'dist/bin/syncer.js')
    const managerBack = await killComponent('berth-manager', 'dist/bin/manager.js')
    await kubectl(['scale', 'deployment/web', '-n', 'app', '--replicas=3'])
    const agentBack = await killComponent('berth-vn-agent', 'dist/bin/vn-agent.js')
    await kubectl(['delete', 'pod', 'db-0', '-n', 'app', '--wait=false'])
    await Promise.all([syncerBack(), managerBack(), agentBack()])
    await rolledOut(kubectl, 'app', 'deployment/web')
    await podReady(kubectl, 'app', 'db-0')
    expect(await kubectl(['exec', '-n', 'app', 'deploy/web', '--', 'sh', '-c', 'echo $ROUND $COLOUR'])).toBe('2 red')
    await waitFor('three pods in super, as the tenant has', async () => {
      const superPods = await listJson(superKubectl, [
        'pods',
        '-l',
        `${tenantLabel}=${tenant.uid}`,
        '-n',
        superNamespace(tenant, 'app'),
      ])
      return superPods.filter(({ metadata }) => metadata.name.startsWith('web-')).length === 3
    })
    await expectEqual()
  })

  test('a Service taken away in super comes back by itself', async () => {
    const at = ['-n', superNamespace(tenant, 'app')]
    await superKubectl(['delete', 'service', 'web', ...at])
    await waitFor('the Service in super again', () => superKubectl(['get', 'service/web', ...at]), { deadlineMs: 15_000 })
    await expectEqual()
  })

  test('a ConfigMap edited or taken away in super is put right within five seconds', async () => {
    const at = ['configmap/settings', '-n', superNamespace(tenant, 'app')]
    const colour = () => superKubectl(['get', ...at, '-o', 'jsonpath={.data.colour}'])
    const put = async () => (await colour()) === 'red'
    await superKubectl(['patch', ...at, '-p', '{"data":{"colour":"spoilt"}}'])
    await waitFor('the right colour again', put, { deadlineMs: 5_000 })
    await superKubectl(['delete', ...at])
    await waitFor('the ConfigMap in super again', put, { deadlineMs: 5_000 })
    await expectEqual()
  })

  test('a pod deleted in super is told to the tenant, whose Deployment replaces it', async () => {
    const at = ['-n', superNamespace(tenant, 'app')]
    const [victim] = (await superKubectl(['get', 'pods', '-l', 'app=web', '-o', 'name', ...at])).split('\n')
    await superKubectl(['delete', String(victim), ...at])
    await waitFor('the pod gone for the tenant', async () => {
      const names = (await tenant.kubectl(['get', 'pods', '-n', 'app', '-o', 'name'])).split('\n')
      return !names.includes(String(victim))
    })
    await rolledOut(tenant.kubectl, 'app', 'deployment/web')
    await expectEqual()
  })

  test('berth verify names what differs while nobody syncs, and nothing once the syncer is back', async () => {
    const backing = superNamespace(tenant, 'app')
    await superKubectl(['scale', 'deployment/berth-syncer', '-n', 'berth-system', '--replicas=0'])
    await waitFor('no syncer', async () => {
      const names = await superKubectl(['get', 'pods', '-n', 'berth-system', '-o', 'name'])
      return !names.includes('berth-syncer')
    })
    // Too few, too many, and other than it should be.
    await apply(tenant.kubectl, service('app', 'missing'))
    await tenant.kubectl(['delete', 'service', 'web', '-n', 'app'])
    await superKubectl(['label', 'pod/db-0', '-n', backing, `${tenantLabel}-`])
    // Gone on both sides with nobody there to see it: what the pod needed is left in super.
    const atOnce = ['--force', '--grace-period=0']
    await tenant.kubectl(['delete', 'pod/lonely', '-n', 'app', ...atOnce])
    await tenant.kubectl(['delete', 'configmap/lonely', '-n', 'app'])
    await superKubectl(['delete', 'pod/lonely', '-n', backing, ...atOnce])
    await superKubectl(['patch', 'service', 'db', '-n', backing, '-p', '{"spec":{"selector":{"app":"other"}}}'])
    const { code, output } = await verify(tenant)
    expect(code, output).toBe(1)
    expect(output).toMatch(/^missing-in-super +services\/app\/missing /m)
    expect(output).toMatch(/^extra-in-super +services\/app\/web /m)
    expect(output).toMatch(/^extra-in-super +configmaps\/app\/lonely /m)
    expect(output).toMatch(/^extra-in-super +secrets\/app\/lonely .*is of a pod that is gone/m)
    expect(output).toMatch(/^extra-in-tenant +pods\/app\/db-0 /m)
    expect(output).toMatch(/^field-in-super +services\/app\/db /m)

    await superKubectl(['label', 'pod/db-0', '-n', backing, `${tenantLabel}=${tenant.uid}`])
    await superKubectl(['scale', 'deployment/berth-syncer', '-n', 'berth-system', '--replicas=1'])
    await rolledOut(superKubectl, 'berth-system', 'deployment/berth-syncer')
    await waitFor(
      'both sides equal',
      async () => {
        const found = await verify(tenant)
        if (found.code !== 0) throw new Error(found.output)
        return true
      },
      { deadlineMs: 120_000, everyMs: 1_000 },
    )
  })
})
