import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Kubectl, kubectlFor } from '../hack/cluster/kubectl.ts'
import { saveTenantKubeconfig } from '../hack/demo/workbench.ts'
import { tenantReport } from '../hack/diagnosis.ts'
import { controlPlaneLabel, orphanSuperAnnotation, tenantLabel } from '../src/tenancy/marks.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson, listJson, type Thing, world } from './support/kubectl.ts'
import { deployment, namespace, pod, service, shell, webServer } from './support/objects.ts'
import { tenantObject, tenantsNamespace } from './support/tenant.ts'
import { downTwoClusters, startTwoClusters, type TwoClusters } from './support/two-clusters.ts'
import { rolledOut, waitFor } from './support/wait.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}
type Plane = Thing & {
  readonly status?: {
    readonly conditions?: readonly Condition[]
    readonly endpoint?: string
    readonly controlPlaneNamespace?: string
    readonly serviceSlice?: string
    readonly superCluster?: { readonly uid: string; readonly isApart: boolean }
  }
}

let clusters: TwoClusters
let tenant: Kubectl
const place = ['-n', tenantsNamespace]
const plane = (name: string): Promise<Plane> => getJson<Plane>(clusters.management, ['tcp', name, ...place])
const conditionOf = async (name: string, type: string): Promise<Condition | undefined> =>
  (await plane(name)).status?.conditions?.find((each) => each.type === type)

const create = async (name: string, spec: object = {}): Promise<Plane> => {
  await apply(clusters.management, tenantObject(name, spec))
  await clusters
    .management(['wait', '--for=condition=Ready', `tcp/${name}`, ...place, '--timeout=180s'], { timeoutMs: 190_000 })
    .catch(async (error: unknown) => {
      throw new Error(await tenantReport(clusters.management, name), { cause: error })
    })
  return plane(name)
}

/** What there is of a tenant in a cluster, in words. */
const tracesIn = async (kubectl: Kubectl, uid: string): Promise<string[]> => {
  const kinds = 'namespaces,ipaddresses,persistentvolumes,clusterroles,clusterrolebindings'
  const inNamespaces = 'pods,services,endpointslices,configmaps,secrets,deployments,statefulsets,persistentvolumeclaims,leases'
  const lists = await Promise.all([listJson(kubectl, [kinds]), listJson(kubectl, [inNamespaces, '--all-namespaces'])])
  return lists
    .flat()
    .filter(({ metadata }) => JSON.stringify([metadata.name, metadata.labels, metadata.annotations]).includes(uid))
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)
}

beforeAll(async () => {
  if (world().isLocal) clusters = await startTwoClusters()
}, 600_000)
afterAll(async () => {
  if (world().isLocal) await downTwoClusters()
}, 300_000)

describe.runIf(world().isLocal)('a super cluster apart from management', { timeout: 300_000 }, () => {
  let one: Plane

  test('a tenant is Ready; its control plane runs in the one, its DNS in the other', async () => {
    one = await create('one')
    expect(one.status?.superCluster?.isApart).toBe(true)
    expect(one.status?.endpoint).toBe(`https://kube-apiserver.${one.status?.controlPlaneNamespace}.svc:443`)
    const planePods = await listJson(clusters.management, ['pods', '-A', '-l', `${controlPlaneLabel}=${one.metadata.uid}`])
    expect(planePods.map(({ metadata }) => metadata.labels?.['berth.dev/component'] ?? '').toSorted()).toEqual([
      'etcd',
      'kube-apiserver',
      'kube-controller-manager',
    ])
    expect(await listJson(clusters.management, ['pods', '-A', '-l', tenantLabel])).toEqual([])
    const carried = await listJson(clusters.inSuper, ['pods', '-A', '-l', `${tenantLabel}=${one.metadata.uid}`])
    expect(carried.some(({ metadata }) => metadata.name.startsWith('coredns-'))).toBe(true)
    expect(await listJson(clusters.inSuper, ['pods', '-A', '-l', controlPlaneLabel])).toEqual([])
  })

  test('given a node port, its kubeconfig works from outside, and pods reach the API server that way too', async () => {
    await clusters.management([
      'patch',
      'tcp',
      'one',
      ...place,
      '--type=merge',
      '-p',
      '{"spec":{"apiServer":{"exposure":{"type":"NodePort"}}}}',
    ])
    const isNodePort = (server?: string) => /^https:\/\/10\.\d+\.\d+\.\d+:3\d{4}$/.test(server ?? '')
    await waitFor('a kubeconfig with the node port', async () => isNodePort((await plane('one')).status?.endpoint), {
      deadlineMs: 150_000,
      report: () => tenantReport(clusters.management, 'one'),
    })
    const kubeconfig = join(world().dir, 'apart-one.kubeconfig')
    await saveTenantKubeconfig(clusters.management, kubeconfig, 'one', tenantsNamespace)
    tenant = kubectlFor(world().kubectl, kubeconfig)
    const port = Number(new URL((await plane('one')).status?.endpoint ?? '').port)
    await waitFor('super to be led to the node port', async () => {
      const slices = await listJson(clusters.inSuper, ['endpointslices', '-n', 'berth-tenants'])
      return slices.some((slice) => JSON.stringify(slice).includes(`"port":${port}`))
    })
  })

  test('workloads, Services, DNS, logs, exec and the API from within a pod', async () => {
    const script =
      'until wget -qO- http://web.app.svc.cluster.local/hostname; do sleep 1; done; echo; echo token=$(wc -c < /var/run/secrets/kubernetes.io/serviceaccount/token); echo | nc -w 5 kubernetes.default.svc 443 > /dev/null && echo reached; sleep 3600'
    await apply(
      tenant,
      namespace('app'),
      deployment('app', 'web', 2, webServer()),
      service('app', 'web'),
      pod('app', 'asks', shell(script)),
    )
    await rolledOut(tenant, 'app', 'deployment/web')
    await waitFor(
      'an answer by name and the API server',
      async () => /web-[\s\S]*token=\d{3,}[\s\S]*reached/.test(await tenant(['logs', '-n', 'app', 'asks'])),
      {
        deadlineMs: 90_000,
        report: async () => tenant(['logs', '-n', 'app', 'asks']).catch(String),
      },
    )
    expect(await tenant(['exec', '-n', 'app', 'deploy/web', '--', 'hostname'])).toMatch(/^web-/)
    const nodes = await listJson(tenant, ['nodes'])
    expect(nodes.map(({ metadata }) => metadata.name)).toEqual([clusters.superNode.name])
    const below = superNamespace({ uid: one.metadata.uid, name: 'one' }, 'app')
    expect(await listJson(clusters.inSuper, ['pods', '-n', below])).toHaveLength(3)
  })

  test('a webhook that is a Service of the tenant is asked', async () => {
    await apply(tenant, namespace('guarded'), {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'guard' },
      webhooks: [
        {
          name: 'guard.example.com',
          clientConfig: { service: { namespace: 'app', name: 'web', port: 80 } },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'guarded' } },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          timeoutSeconds: 5,
        },
      ],
    })
    // The web server speaks no TLS: that it was reached, is what it says to a handshake.
    await waitFor('the web server to answer the API server', async () => {
      const said = await tenant(['create', 'configmap', 'x', '-n', 'guarded']).then(
        () => 'created',
        (error: unknown) => String(error),
      )
      return said.includes('server gave HTTP response to HTTPS client') || Promise.reject(new Error(said))
    })
    await tenant(['delete', 'validatingwebhookconfiguration', 'guard'])
  })

  test('berth verify and berth doctor look at both', async () => {
    await waitFor('both sides equal', async () => {
      const { code, output } = await clusters.berth('verify', 'one', ...place)
      return code === 0 || Promise.reject(new Error(output))
    })
    const { output, code } = await clusters.berth('doctor')
    expect(output).toContain('nothing is wrong')
    expect(code).toBe(0)
    expect((await clusters.berthInManagement('doctor')).output).toContain('NotLookedAt')
  })

  test('super that is cut off is told within half a minute, the API goes on, and all is well after', async () => {
    await create('two')
    await clusters.part()
    const cutAt = performance.now()
    const said = await waitFor(
      'SuperUnreachable',
      async () => {
        const found = await conditionOf('one', 'SyncReady')
        return found?.reason === 'SuperUnreachable' ? found : undefined
      },
      { deadlineMs: 30_000, report: () => tenantReport(clusters.management, 'one') },
    )
    console.log(`told after ${((performance.now() - cutAt) / 1000).toFixed(1)} s: ${said.message}`)
    expect(said.message).toMatch(/the super cluster at https:\/\/\S+ cannot be used: .*Check that its API server answers/)
    const doctor = await clusters.berthInManagement('doctor')
    expect(doctor.output).toMatch(/super cluster\s+broken\s+SuperUnreachable/)
    await apply(tenant, deployment('app', 'later', 1, webServer()))

    // A tenant whose deletion waits for super goes on an explicit word.
    const { uid } = (await plane('two')).metadata
    await clusters.management(['delete', 'tcp', 'two', ...place, '--wait=false'])
    const deleting = await waitFor('a deletion that waits for super', async () => {
      const found = await conditionOf('two', 'Deleting')
      return found?.reason === 'SuperUnreachable' ? found : undefined
    })
    expect(deleting.message).toContain(
      `kubectl annotate tenantcontrolplane two -n ${tenantsNamespace} ${orphanSuperAnnotation}=true`,
    )
    await clusters.management(['annotate', 'tcp', 'two', ...place, `${orphanSuperAnnotation}=true`])
    await clusters.management(['wait', '--for=delete', 'tcp/two', ...place, '--timeout=60s'], { timeoutMs: 70_000 })
    const events = await listJson(clusters.management, ['events', ...place, '--field-selector=reason=SuperLeft'])
    const [left = ''] = events.map((event) => (event as unknown as { message: string }).message)
    expect(await tracesIn(clusters.management, uid)).toEqual([])

    await clusters.join()
    await waitFor('Ready again', async () => (await conditionOf('one', 'Ready'))?.status === 'True', {
      deadlineMs: 90_000,
      report: () => tenantReport(clusters.management, 'one'),
    })
    await rolledOut(tenant, 'app', 'deployment/later')
    // What the Event says to do, done.
    expect((await tracesIn(clusters.inSuper, uid)).length).toBeGreaterThan(0)
    const commands = /there: (.*)$/.exec(left)?.[1]?.split('; ') ?? []
    expect(commands).toHaveLength(3)
    for (const command of commands) await clusters.inSuper(command.split(' ').slice(1), { timeoutMs: 90_000 })
    await waitFor('nothing of the orphan', async () => {
      const traces = await tracesIn(clusters.inSuper, uid)
      return traces.length === 0 || Promise.reject(new Error(traces.join(', ')))
    })
  })

  test('the syncer that starts while super is away takes its tenants up when it is back', async () => {
    await clusters.part()
    await clusters.management([
      'delete',
      'pods',
      '-n',
      'berth-system',
      '-l',
      'app.kubernetes.io/managed-by=berth',
      '--wait=false',
    ])
    await waitFor(
      'SuperUnreachable told by a new manager',
      async () => (await conditionOf('one', 'SyncReady'))?.reason === 'SuperUnreachable',
      {
        deadlineMs: 60_000,
      },
    )
    await clusters.join()
    await apply(tenant, deployment('app', 'last', 1, webServer()))
    await rolledOut(tenant, 'app', 'deployment/last')
    await waitFor('Ready again', async () => (await conditionOf('one', 'Ready'))?.status === 'True', { deadlineMs: 90_000 })
  })

  test('a deletion leaves nothing in either cluster', async () => {
    const { uid } = one.metadata
    await clusters.management(['delete', 'tcp', 'one', ...place, '--timeout=90s'], { timeoutMs: 100_000 })
    expect(await tracesIn(clusters.management, uid)).toEqual([])
    expect(await tracesIn(clusters.inSuper, uid)).toEqual([])
  })
})
