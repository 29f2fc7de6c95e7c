import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apply, listJson } from './support/kubectl.ts'
import { deployment, idle, namespace, podSpec, shell } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { rolledOut, waitFor, waitIn } from './support/wait.ts'

/** The metrics-server of a tenant asks each node, which is vn-agent, with nothing but its own ServiceAccount. */
describe('metrics in a tenant', () => {
  let tenant: Tenant
  beforeAll(async () => {
    tenant = await createTenant('metrics')
    const { kubectl } = tenant
    await kubectl(['apply', '-f', join(import.meta.dirname, 'fixtures/metrics-server.yaml')])
    const burns = { resources: { requests: { cpu: '50m', memory: '16Mi' }, limits: { cpu: '150m', memory: '32Mi' } } }
    await apply(
      kubectl,
      namespace('work'),
      // For as long as it is let: the limit keeps it from the other tests, the deadline from staying.
      // A node without a pod of the tenant has nothing to show: metrics servers leave out what uses nothing.
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { namespace: 'work', name: 'everywhere' },
        spec: {
          selector: { matchLabels: { app: 'everywhere' } },
          template: { metadata: { labels: { app: 'everywhere' } }, spec: podSpec(shell(idle)) },
        },
      },
      deployment('work', 'busy', 1, shell('timeout 600 sh -c "while true; do :; done"', burns)),
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { namespace: 'work', name: 'busy' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'busy' },
          minReplicas: 1,
          maxReplicas: 2,
          metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
        },
      },
    )
  })
  afterAll(() => deleteTenants('metrics'))

  test('come from a metrics-server that is installed as anywhere', async () => {
    await rolledOut(tenant.kubectl, 'kube-system', 'deployment/metrics-server')
    await waitIn(tenant.kubectl, 'kube-system', ['wait', '--for=condition=Available', 'apiservice/v1beta1.metrics.k8s.io'])
  })

  test('show what each pod uses', async () => {
    const lines = await waitFor(
      'the busy pod in kubectl top',
      async () => {
        const output = await tenant.kubectl(['top', 'pod', '-A', '--no-headers'])
        return /work\s+busy-\S+\s+[1-9]\d*m\s/.test(output) ? output.split('\n') : undefined
      },
      { deadlineMs: 120_000, everyMs: 2000 },
    )
    const pods = (await listJson(tenant.kubectl, ['pods', '-A'])).map(({ metadata }) => metadata.name)
    expect(lines.map((line) => line.trim().split(/\s+/)[1]).filter((name) => !pods.includes(name ?? ''))).toEqual([])
  })

  test('show the nodes', async () => {
    const nodes = (await listJson(tenant.kubectl, ['nodes'])).map(({ metadata }) => metadata.name).sort()
    const lines = await waitFor(
      'each node in kubectl top',
      async () => {
        const output = await tenant.kubectl(['top', 'node', '--no-headers'])
        const shown = output.split('\n').filter((line) => /\d+m\s+\d+%\s+\d+Mi\s/.test(line))
        if (shown.length !== nodes.length) throw new Error(output)
        return shown
      },
      // A new metrics-server knows of a node from its second look on that got an answer, and looks every 15 seconds.
      { deadlineMs: 150_000, everyMs: 2000 },
    )
    expect(lines.map((line) => line.split(/\s+/)[0] ?? '').sort()).toEqual(nodes)
  })

  test('let a HorizontalPodAutoscaler scale', async () => {
    await waitIn(tenant.kubectl, 'work', ['wait', '--for=jsonpath={.status.desiredReplicas}=2', 'hpa/busy'], 150_000)
    await rolledOut(tenant.kubectl, 'work', 'deployment/busy')
    expect(await listJson(tenant.kubectl, ['pods', '-n', 'work', '-l', 'app=busy'])).toHaveLength(2)
  })
})
