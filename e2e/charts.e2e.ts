import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { berthImageName } from '../hack/berth-image.ts'
import { type Helm, helmFor } from './support/helm.ts'
import { apply, getJson, listJson, refusal, world } from './support/kubectl.ts'
import { agnhost, busybox, idle, namespace, shell } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { rolledOut, waitFor, waitIn } from './support/wait.ts'

const fixtures = join(import.meta.dirname, 'fixtures')

/** Charts and an operator know nothing of Berth: what they bring along works in a tenant as it would in any cluster. */
describe('what people install in a cluster', () => {
  let tenant: Tenant
  let helm: Helm
  beforeAll(async () => {
    tenant = await createTenant('charts')
    helm = await helmFor(tenant)
  })
  afterAll(() => deleteTenants('charts'))

  describe('a DaemonSet', () => {
    const set = (more: object = {}) => ({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { namespace: 'agents', name: 'agent' },
      spec: {
        selector: { matchLabels: { app: 'agent' } },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
        template: {
          metadata: { labels: { app: 'agent' } },
          spec: {
            terminationGracePeriodSeconds: 1,
            tolerations: [{ operator: 'Exists' }],
            containers: [shell(idle, { env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] })],
            ...more,
          },
        },
      },
    })
    const nodesOf = async () =>
      (await listJson(tenant.kubectl, ['pods', '-n', 'agents', '-l', 'app=agent']))
        .map(({ spec }) => String(spec?.['nodeName']))
        .sort()
    const allNodes = () =>
      world()
        .nodes.map(({ name }) => name)
        .sort()

    test('has a pod on each node of the platform, also where the tenant had none before', async () => {
      const { kubectl } = tenant
      await apply(kubectl, namespace('agents'), set())
      await rolledOut(kubectl, 'agents', 'daemonset/agent')
      expect(await nodesOf()).toEqual(allNodes())
      for (const { metadata, spec } of await listJson(kubectl, ['pods', '-n', 'agents', '-l', 'app=agent'])) {
        const seen = await kubectl(['exec', metadata.name, '-n', 'agents', '--', 'sh', '-c', 'echo $NODE'])
        expect(seen).toBe(spec?.['nodeName'])
      }
    })

    test('is updated node by node', async () => {
      const { kubectl } = tenant
      const before = (await listJson(kubectl, ['pods', '-n', 'agents'])).map(({ metadata }) => metadata.uid)
      await apply(kubectl, set({ terminationGracePeriodSeconds: 2 }))
      await rolledOut(kubectl, 'agents', 'daemonset/agent')
      // An old pod has ended when the new one is made, which is a moment before it is gone.
      await waitFor('each old pod is gone', async () => {
        const after = (await listJson(kubectl, ['pods', '-n', 'agents'])).map(({ metadata }) => metadata.uid)
        return after.every((uid) => !before.includes(uid))
      })
      expect(await nodesOf()).toEqual(allNodes())
      await kubectl(['delete', 'namespace', 'agents', '--wait=false'])
    })
  })

  describe('an operator from a chart', () => {
    const at = ['-n', 'gadgets']
    const gadget = (name: string, spec: object, version = 'v1') => ({
      apiVersion: `gadgets.example.org/${version}`,
      kind: 'Gadget',
      metadata: { namespace: 'work', name },
      spec,
    })

    test('is installed unchanged', { timeout: 240_000 }, async () => {
      const chart = join(fixtures, 'charts/gadgets')
      const values = ['--set', `nodeImage=${berthImageName},gadgetImage=${agnhost}`]
      const program = ['--set-file', `program=${join(fixtures, 'operator.ts')}`]
      await helm(['install', 'gadgets', chart, ...at, '--create-namespace', '--wait', '--timeout', '150s', ...values, ...program])
      await apply(tenant.kubectl, namespace('work'))
      await waitIn(tenant.kubectl, 'gadgets', ['wait', '--for=condition=Available', 'apiservice/v1.parts.example.org'])
      expect(await tenant.kubectl(['get', 'palette', 'default', '-o', 'jsonpath={.spec.colours}'])).toBe('["red","blue"]')
    })

    test('has its objects changed, checked and converted by webhooks', async () => {
      const { kubectl } = tenant
      await apply(kubectl, gadget('one', { size: 1 }))
      expect(await kubectl(['get', 'gadget', 'one', '-n', 'work', '-o', 'jsonpath={.spec.colour}'])).toBe('blue')
      expect(await refusal(apply(kubectl, gadget('many', { size: 6 })))).toContain('a Gadget has at most 5 parts, not 6')
      expect(await refusal(apply(kubectl, gadget('none', { size: -1 })))).toContain('should be greater than or equal to 0')
      await apply(kubectl, gadget('old', { count: 2, colour: 'red' }, 'v1alpha1'))
      const [old, current] = await Promise.all([
        getJson(kubectl, ['gadgets.v1alpha1.gadgets.example.org', 'old', '-n', 'work']),
        getJson(kubectl, ['gadgets.v1.gadgets.example.org', 'old', '-n', 'work']),
      ])
      expect([old.spec, current.spec]).toEqual([
        { count: 2, colour: 'red' },
        { size: 2, colour: 'red' },
      ])
    })

    test('does its work, is scaled, and cleans up behind it', async () => {
      const { kubectl } = tenant
      const ready = (name: string, count: number) =>
        waitIn(kubectl, 'work', ['wait', `--for=jsonpath={.status.ready}=${count}`, `gadget/${name}`])
      await ready('one', 1)
      await ready('old', 2)
      await kubectl(['scale', 'gadget/one', '-n', 'work', '--replicas=3'])
      await ready('one', 3)
      const { metadata, status } = await getJson(kubectl, ['gadget', 'one', '-n', 'work'])
      expect(status).toMatchObject({ observedGeneration: metadata.generation, selector: 'gadget=one' })
      await kubectl(['delete', 'gadget', 'one', '-n', 'work', '--timeout=60s'], { timeoutMs: 70_000 })
      const farewell = await getJson(kubectl, ['configmap', 'farewell-one', '-n', 'work'])
      expect(farewell.data?.['by']).toMatch(/^gadgets-/)
      await waitFor('the pods of the deleted Gadget gone', async () => {
        const pods = await listJson(kubectl, ['pods', '-n', 'work', '-l', 'gadget=one'])
        if (pods.length > 0) throw new Error(`${pods.length} left`)
        return true
      })
    })

    test('goes on under another leader when its leader is gone', async () => {
      const { kubectl } = tenant
      const holder = () => kubectl(['get', 'lease', 'gadgets', ...at, '-o', 'jsonpath={.spec.holderIdentity}'])
      const first = await holder()
      await kubectl(['delete', 'pod', first, ...at, '--timeout=60s'], { timeoutMs: 70_000 })
      await waitFor('another leader', async () => {
        const now = await holder()
        if (now === first) throw new Error(`still ${now}`)
        return true
      })
      await kubectl(['scale', 'gadget/old', '-n', 'work', '--replicas=1'])
      await waitIn(kubectl, 'work', ['wait', '--for=jsonpath={.status.ready}=1', 'gadget/old'])
    })

    test('serves an API of its own through the API server of the tenant', async () => {
      const { kubectl } = tenant
      expect(await kubectl(['api-resources', '--api-group=parts.example.org', '--no-headers'])).toMatch(
        /parts\s+parts.example.org\/v1\s+true\s+Part/,
      )
      const list = await getJson<{ items: { metadata: { name: string }; askedBy: string }[] }>(kubectl, ['parts', '-n', 'work'])
      expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['cog', 'wheel'])
      // The API server says who asks; the pod believes it because of the front proxy's certificate.
      const me = JSON.parse(await kubectl(['auth', 'whoami', '-o', 'json'])) as { status: { userInfo: { username: string } } }
      expect(list.items[0]?.askedBy).toBe(me.status.userInfo.username)
      const rejected = await kubectl([
        'exec',
        'deploy/gadgets',
        ...at,
        '--',
        '/usr/local/bin/node',
        '-e',
        "process.env.NODE_TLS_REJECT_UNAUTHORIZED='0';fetch('https://gadgets/apis/parts.example.org/v1').then((answer)=>console.log(answer.status))",
      ])
      expect(rejected).toContain('403')
    })

    test('and is uninstalled', async () => {
      const { kubectl } = tenant
      await kubectl(['delete', 'gadgets', '--all', '-n', 'work', '--timeout=60s'], { timeoutMs: 70_000 })
      await helm(['uninstall', 'gadgets', ...at, '--wait', '--timeout', '90s'])
      const left = await kubectl(['get', 'apiservices,crds,mutatingwebhookconfigurations', '-o', 'name'])
      expect(left.split('\n').filter((line) => /gadgets\.gadgets|parts\.example/.test(line))).toEqual([])
    })
  })

  describe('a chart of some size', () => {
    const at = ['-n', 'shop']
    const chart = join(fixtures, 'charts/shop')
    const images = ['--set', `webImage=${agnhost},shellImage=${busybox}`]
    const wait = ['--wait', '--timeout', '150s']
    const colour = () => tenant.kubectl(['exec', 'deploy/web', ...at, '-c', 'web', '--', 'cat', '/settings/colour'])

    test('is installed unchanged, with its hooks', { timeout: 240_000 }, async () => {
      const { kubectl } = tenant
      await helm(['install', 'shop', chart, ...at, '--create-namespace', ...wait, ...images])
      expect(await kubectl(['logs', 'job/pre-install', ...at])).toBe('made ready')
      expect(await colour()).toBe('red')
      const members = ['database-0', 'database-1'].map((name) => kubectl(['exec', name, ...at, '--', 'cat', '/data/name']))
      expect(await Promise.all(members)).toEqual([
        'database-0.database.shop.svc.cluster.local',
        'database-1.database.shop.svc.cluster.local',
      ])
    })

    test('passes its own tests', async () => {
      expect(await helm(['test', 'shop', ...at, '--timeout', '90s'])).toMatch(/Phase:\s+Succeeded/)
    })

    test('is upgraded and rolled back', { timeout: 300_000 }, async () => {
      await helm(['upgrade', 'shop', chart, ...at, ...wait, ...images, '--set', 'web.colour=blue'])
      expect(await colour()).toBe('blue')
      expect(await tenant.kubectl(['logs', 'job/post-upgrade', ...at])).toBe('migrated')
      await helm(['rollback', 'shop', '1', ...at, ...wait])
      expect(await colour()).toBe('red')
    })

    test('has its CronJob run each minute', async () => {
      await waitFor(
        'a finished Job of the CronJob',
        async () => {
          const jobs = await listJson(tenant.kubectl, ['jobs', ...at])
          return jobs.some(({ metadata, status }) => metadata.name.startsWith('backup-') && status?.['succeeded'] === 1)
        },
        { deadlineMs: 100_000, everyMs: 1000 },
      )
    })

    test('is uninstalled, volumes and all', async () => {
      const { kubectl } = tenant
      await helm(['uninstall', 'shop', ...at, '--wait', '--timeout', '90s'])
      await waitFor('nothing of the chart left', async () => {
        const left = await kubectl([
          'get',
          'all,pvc,ingress,networkpolicy,pdb',
          ...at,
          '-l',
          'app.kubernetes.io/instance=shop',
          '-o',
          'name',
        ])
        if (left.trim() !== '') throw new Error(left)
        return true
      })
    })
  })
})
