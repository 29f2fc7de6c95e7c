import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson, listJson, refusal, superKubectl } from './support/kubectl.ts'
import {
  agnhost,
  busybox,
  claim,
  configMap,
  deployment,
  idle,
  namespace,
  pod,
  secret,
  shell,
  statefulSet,
  webServer,
} from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { podReady, rolledOut, waitFor, waitIn } from './support/wait.ts'

describe('workloads of a tenant', () => {
  let tenant: Tenant
  beforeAll(async () => {
    tenant = await createTenant('workloads')
    await apply(tenant.kubectl, namespace('work'))
  })
  afterAll(() => deleteTenants('workloads'))

  const at = ['-n', 'work']
  const inPod = (name: string, ...command: readonly string[]): Promise<string> =>
    tenant.kubectl(['exec', name, ...at, '--', ...command], { timeoutMs: 20_000 })

  test('a Deployment scales up and down, and each of its pods is a pod of super', async () => {
    const { kubectl } = tenant
    await apply(kubectl, deployment('work', 'web', 1, webServer()))
    await rolledOut(kubectl, 'work', 'deployment/web')
    await kubectl(['scale', 'deployment/web', ...at, '--replicas=3'])
    await rolledOut(kubectl, 'work', 'deployment/web')
    const pods = await listJson(kubectl, ['pods', '-l', 'app=web', ...at])
    expect(pods).toHaveLength(3)
    const superPods = await listJson(superKubectl, ['pods', '-n', superNamespace(tenant, 'work')])
    expect(superPods.map(({ metadata }) => metadata.name).sort()).toEqual(pods.map(({ metadata }) => metadata.name).sort())
    await kubectl(['scale', 'deployment/web', ...at, '--replicas=1'])
    await waitFor('one pod on both sides', async () => {
      const [here, there] = await Promise.all([
        listJson(kubectl, ['pods', '-l', 'app=web', ...at]),
        listJson(superKubectl, ['pods', '-n', superNamespace(tenant, 'work')]),
      ])
      return here.length === 1 && there.length === 1
    })
    await kubectl(['delete', 'deployment/web', ...at])
  })

  test('a rolling update ends with new pods only', async () => {
    const { kubectl } = tenant
    await apply(kubectl, deployment('work', 'rolling', 2, webServer()))
    await rolledOut(kubectl, 'work', 'deployment/rolling')
    await kubectl(['set', 'env', 'deployment/rolling', ...at, 'GENERATION=2'])
    await rolledOut(kubectl, 'work', 'deployment/rolling')
    expect(await inPod('deploy/rolling', 'sh', '-c', 'echo $GENERATION')).toBe('2')
    await kubectl(['delete', 'deployment/rolling', ...at])
  })

  test("a StatefulSet's data outlives its pods", async () => {
    const { kubectl } = tenant
    await apply(kubectl, ...statefulSet('work', 'db', 2, webServer()))
    await rolledOut(kubectl, 'work', 'statefulset/db')
    await inPod('db-0', 'sh', '-c', 'echo zero > /data/who')
    await inPod('db-1', 'sh', '-c', 'echo one > /data/who')
    const uids = (await listJson(kubectl, ['pods', '-l', 'app=db', ...at])).map(({ metadata }) => metadata.uid)
    await kubectl(['delete', 'pod', 'db-0', 'db-1', ...at])
    await rolledOut(kubectl, 'work', 'statefulset/db')
    await podReady(kubectl, 'work', 'db-0', 'db-1')
    const later = (await listJson(kubectl, ['pods', '-l', 'app=db', ...at])).map(({ metadata }) => metadata.uid)
    expect(later.filter((uid) => uids.includes(uid))).toEqual([])
    expect(await inPod('db-0', 'cat', '/data/who')).toBe('zero')
    expect(await inPod('db-1', 'cat', '/data/who')).toBe('one')
  })

  test('the tenant sees its volumes, whose names and classes are those of super', async () => {
    const { kubectl } = tenant
    const claims = await listJson(kubectl, ['pvc', ...at])
    expect(claims.map(({ metadata }) => metadata.name)).toEqual(['data-db-0', 'data-db-1'])
    for (const { spec, status, metadata } of claims) {
      expect(status?.['phase']).toBe('Bound')
      const volume = await getJson(kubectl, ['pv', String(spec?.['volumeName'])])
      expect(volume.status?.['phase']).toBe('Bound')
      expect(volume.spec?.['claimRef']).toMatchObject({ namespace: 'work', name: metadata.name, uid: metadata.uid })
    }
    const classes = await listJson(kubectl, ['storageclass'])
    expect(classes.map(({ metadata }) => metadata.name)).toContain('standard')
  })

  test('a Job completes, and its pod says so', async () => {
    const { kubectl } = tenant
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { namespace: 'work', name: 'sum' },
      spec: {
        completions: 2,
        parallelism: 2,
        template: { spec: { restartPolicy: 'Never', containers: [shell('echo $((40 + 2))')] } },
      },
    }
    await apply(kubectl, job)
    await waitIn(kubectl, 'work', ['wait', '--for=condition=Complete', 'job/sum'])
    const pods = await listJson(kubectl, ['pods', '-l', 'job-name=sum', ...at])
    expect(pods.map(({ status }) => status?.['phase'])).toEqual(['Succeeded', 'Succeeded'])
    expect(await kubectl(['logs', 'job/sum', ...at])).toBe('42')
  })

  test('a failing pod shows its exit code', async () => {
    const { kubectl } = tenant
    await apply(kubectl, pod('work', 'fails', shell('exit 7'), { restartPolicy: 'Never' }))
    await waitIn(kubectl, 'work', ['wait', '--for=jsonpath={.status.phase}=Failed', 'pod/fails'])
    const code = ['-o', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}']
    expect(await kubectl(['get', 'pod', 'fails', ...at, ...code])).toBe('7')
  })

  test('an update of a ConfigMap and of a Secret reaches the files of a running pod', async () => {
    const { kubectl } = tenant
    const volumes = [
      { name: 'config', configMap: { name: 'settings' } },
      { name: 'secret', secret: { secretName: 'password' } },
    ]
    const volumeMounts = [
      { name: 'config', mountPath: '/config' },
      { name: 'secret', mountPath: '/secret' },
    ]
    await apply(kubectl, configMap('work', 'settings', { colour: 'red' }), secret('work', 'password', { word: 'old' }))
    await apply(kubectl, pod('work', 'reader', shell(idle, { volumeMounts }), { volumes }))
    await podReady(kubectl, 'work', 'reader')
    expect(await inPod('reader', 'cat', '/config/colour', '/secret/word')).toBe('redold')
    await apply(kubectl, configMap('work', 'settings', { colour: 'blue' }), secret('work', 'password', { word: 'new' }))
    // The kubelet looks every minute or so; a change of the pod makes it look at once.
    await kubectl(['annotate', 'pod/reader', ...at, 'example.org/look=now'])
    await waitFor(
      'the new values in the files',
      async () => {
        const text = await inPod('reader', 'cat', '/config/colour', '/secret/word')
        if (text !== 'bluenew') throw new Error(`still ${text}`)
        return true
      },
      { deadlineMs: 120_000, everyMs: 1_000 },
    )
  })

  test('what super says about a pod is heard as Events of the tenant', async () => {
    const { kubectl } = tenant
    const reasons = async (): Promise<string[]> =>
      (await listJson(kubectl, ['events', ...at, '--field-selector=involvedObject.name=reader'])).map((event) =>
        String((event as unknown as { reason: string }).reason),
      )
    await waitFor('the events of a start', async () => {
      const seen = await reasons()
      const missing = ['Scheduled', 'Pulled', 'Created', 'Started'].filter((reason) => !seen.includes(reason))
      if (missing.length > 0) throw new Error(`missing ${missing.join(', ')}; seen ${seen.join(', ')}`)
      return true
    })
    const described = await kubectl(['describe', 'pod', 'reader', ...at])
    expect(described).toMatch(/Normal\s+Started/)
    expect(described).not.toContain(superNamespace(tenant, 'work'))
  })

  test('an image that is nowhere is told to the tenant', async () => {
    const { kubectl } = tenant
    await apply(kubectl, pod('work', 'no-image', { name: 'main', image: 'registry.invalid/nothing:1' }))
    const reason = ['-o', 'jsonpath={.status.containerStatuses[0].state.waiting.reason}']
    await waitFor('a reason why the pod waits', async () =>
      /^(ErrImagePull|ImagePullBackOff)$/.test(await kubectl(['get', 'pod', 'no-image', ...at, ...reason])),
    )
    await kubectl(['delete', 'pod', 'no-image', ...at, '--timeout=30s'])
  })

  test('the nodes of the tenant are the machines its pods run on', async () => {
    const { kubectl } = tenant
    const nodes = await listJson(kubectl, ['nodes'])
    const pods = await listJson(kubectl, ['pods', '-A'])
    const used = new Set(pods.flatMap(({ spec }) => spec?.['nodeName'] ?? []))
    expect(nodes.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining([...used]))
    for (const { metadata, status } of nodes) {
      const real = await getJson(superKubectl, ['node', metadata.name])
      expect(status?.['capacity']).toEqual(real.status?.['capacity'])
      expect(status?.['conditions']).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }))
    }
  })

  test('a deleted pod is gone soon after its grace', async () => {
    const { kubectl } = tenant
    await apply(kubectl, pod('work', 'brief', shell('sleep 3600'), { terminationGracePeriodSeconds: 2 }))
    await podReady(kubectl, 'work', 'brief')
    const began = performance.now()
    await kubectl(['delete', 'pod', 'brief', ...at, '--timeout=60s'])
    const seconds = (performance.now() - began) / 1000
    expect(seconds).toBeGreaterThan(1)
    expect(seconds).toBeLessThan(2 + 20)
    expect(await refusal(superKubectl(['get', 'pod', 'brief', '-n', superNamespace(tenant, 'work')]))).toMatch(/not found/i)
  })

  test('a namespace with pods and volumes is deleted, and super keeps nothing of it', async () => {
    const { kubectl } = tenant
    await apply(kubectl, namespace('short'), claim('short', 'data'), configMap('short', 'settings', { key: 'value' }))
    await apply(
      kubectl,
      deployment(
        'short',
        'web',
        2,
        { ...webServer(), image: agnhost, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        {
          volumes: [
            { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
            { name: 'settings', configMap: { name: 'settings' } },
          ],
        },
      ),
      pod('short', 'other', { ...shell(idle), image: busybox }),
    )
    await rolledOut(kubectl, 'short', 'deployment/web')
    const backing = superNamespace(tenant, 'short')
    const volume = await kubectl(['get', 'pvc', 'data', '-n', 'short', '-o', 'jsonpath={.spec.volumeName}'])
    await superKubectl(['get', 'namespace', backing])
    await kubectl(['delete', 'namespace', 'short', '--timeout=60s'])
    await waitFor('super namespace and volume gone', async () => {
      const found = await superKubectl(['get', `namespace/${backing}`, `pv/${volume}`, '--ignore-not-found', '-o', 'name'])
      if (found.trim()) throw new Error(found)
      return true
    })
    await waitFor('the volume gone for the tenant', async () => {
      const found = await kubectl(['get', 'pv', volume, '--ignore-not-found', '-o', 'name'])
      if (found.trim()) throw new Error(found)
      return true
    })
  })
})
