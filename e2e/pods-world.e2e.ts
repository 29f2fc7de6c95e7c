import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson } from './support/kubectl.ts'
import { busybox, idle, namespace, pod, service, shell, statefulSet, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { podReady, rolledOut, waitFor } from './support/wait.ts'

const fieldEnv = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } })
const serviceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount'

const downwardItems = [
  { path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } },
  { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
  { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } },
  { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
  { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
]

/** First address of an IPv4 slice: the tenant's API server. */
const firstAddress = (slice: string): string => slice.replace(/\d+\/\d+$/, (end) => String(Number(end.split('/')[0]) + 1))

describe('the world as a pod of a tenant sees it', () => {
  let tenant: Tenant
  let uid: string
  const inside = (...command: readonly string[]): Promise<string> =>
    tenant.kubectl(['exec', '-n', 'world', 'looker', '-c', 'main', '--', ...command], { timeoutMs: 20_000 })
  const read = (path: string): Promise<string> => inside('cat', path)

  beforeAll(async () => {
    tenant = await createTenant('world')
    const { kubectl } = tenant
    await apply(kubectl, namespace('world'))
    await waitFor('the default ServiceAccount', () => kubectl(['get', 'serviceaccount', 'default', '-n', 'world']))
    const container = shell(idle, {
      env: [
        fieldEnv('MY_NAMESPACE', 'metadata.namespace'),
        fieldEnv('MY_NAME', 'metadata.name'),
        fieldEnv('MY_UID', 'metadata.uid'),
        fieldEnv('MY_ACCOUNT', 'spec.serviceAccountName'),
        fieldEnv('MY_LABEL', "metadata.labels['tier']"),
        fieldEnv('MY_ANNOTATION', "metadata.annotations['example.org/note']"),
        fieldEnv('MY_NODE', 'spec.nodeName'),
        fieldEnv('MY_IP', 'status.podIP'),
      ],
      volumeMounts: [{ name: 'downward', mountPath: '/downward' }],
    })
    await apply(
      kubectl,
      service('world', 'looker'),
      pod('world', 'looker', container, {
        labels: { app: 'looker', tier: 'front' },
        annotations: { 'example.org/note': 'first "quoted" line' },
        volumes: [{ name: 'downward', downwardAPI: { items: downwardItems } }],
      }),
      service('world', 'web'),
      pod('world', 'web', webServer()),
      ...statefulSet('world', 'db', 2, webServer()),
    )
    await podReady(kubectl, 'world', 'looker', 'web')
    await rolledOut(kubectl, 'world', 'statefulset/db')
    uid = (await getJson(kubectl, ['pod', 'looker', '-n', 'world'])).metadata.uid
  })
  afterAll(() => deleteTenants('world'))

  test("KUBERNETES_SERVICE_HOST is the first address of the tenant's slice", async () => {
    const address = firstAddress(tenant.status.serviceSlice)
    expect(await inside('sh', '-c', 'echo $KUBERNETES_SERVICE_HOST')).toBe(address)
    expect(await inside('sh', '-c', 'echo $KUBERNETES_SERVICE_PORT')).toBe('443')
    const inTenant = await getJson(tenant.kubectl, ['service', 'kubernetes', '-n', 'default'])
    expect(inTenant.spec?.['clusterIP']).toBe(address)
  })

  test("its token is the tenant's, bound to this pod, and its API server believes it", async () => {
    const claims = JSON.parse(
      Buffer.from((await read(`${serviceAccountDir}/token`)).split('.')[1] ?? '', 'base64url').toString('utf8'),
    ) as Record<string, unknown> & { 'kubernetes.io': Record<string, unknown>; sub: string }
    expect(claims.sub).toBe('system:serviceaccount:world:default')
    expect(claims['kubernetes.io']).toMatchObject({ namespace: 'world', pod: { name: 'looker', uid } })
    expect(await read(`${serviceAccountDir}/namespace`)).toBe('world')

    // With the certificate checked against the mounted CA: no `--no-check-certificate`.
    const review = await inside(
      'sh',
      '-c',
      `wget -q -O- --ca-certificate=${serviceAccountDir}/ca.crt --header="Authorization: Bearer $(cat ${serviceAccountDir}/token)" \
        --header='Content-Type: application/json' \
        --post-data='{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}' \
        https://kubernetes.default.svc/apis/authentication.k8s.io/v1/selfsubjectreviews`,
    )
    const { status } = JSON.parse(review) as { status: { userInfo: { username: string; extra: Record<string, string[]> } } }
    expect(status.userInfo.username).toBe('system:serviceaccount:world:default')
    expect(status.userInfo.extra['authentication.kubernetes.io/pod-uid']).toEqual([uid])
  })

  test("its CA is the tenant's kube-root-ca.crt, and the API server answers by the environment's address too", async () => {
    const { data } = await getJson(tenant.kubectl, ['configmap', 'kube-root-ca.crt', '-n', 'world'])
    expect(`${await read(`${serviceAccountDir}/ca.crt`)}\n`).toBe(data?.['ca.crt'])
    const version = await inside(
      'sh',
      '-c',
      `wget -q -O- --ca-certificate=${serviceAccountDir}/ca.crt --header="Authorization: Bearer $(cat ${serviceAccountDir}/token)" \
        https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/version`,
    )
    expect(JSON.parse(version)).toMatchObject({ gitVersion: tenant.status.version })
  })

  test('the downward API tells the tenant names', async () => {
    const { spec, status } = await getJson(tenant.kubectl, ['pod', 'looker', '-n', 'world'])
    const wanted = {
      MY_NAMESPACE: 'world',
      MY_NAME: 'looker',
      MY_UID: uid,
      MY_ACCOUNT: 'default',
      MY_LABEL: 'front',
      MY_ANNOTATION: 'first "quoted" line',
      MY_NODE: spec?.['nodeName'],
      MY_IP: status?.['podIP'],
    }
    const printed = await inside('env')
    const env = Object.fromEntries(printed.split('\n').map((line) => [line.split('=', 1)[0], line.replace(/^[^=]*=/, '')]))
    expect(env).toMatchObject(wanted)
    expect(await read('/downward/namespace')).toBe('world')
    expect(await read('/downward/name')).toBe('looker')
    expect(await read('/downward/uid')).toBe(uid)
    expect(await read('/downward/labels')).toBe('app="looker"\ntier="front"')
    expect(await read('/downward/annotations')).toContain('example.org/note="first \\"quoted\\" line"')
  })

  test('changed labels and annotations reach the downward files', async () => {
    const { kubectl } = tenant
    await kubectl(['label', 'pod/looker', '-n', 'world', 'tier=back', '--overwrite'])
    await kubectl(['annotate', 'pod/looker', '-n', 'world', 'example.org/note=second', '--overwrite'])
    await waitFor(
      'the new label and annotation in the files',
      async () => {
        const text = `${await read('/downward/labels')}\n${await read('/downward/annotations')}`
        if (!text.includes('tier="back"') || !text.includes('example.org/note="second"')) throw new Error(text)
        return true
      },
      { deadlineMs: 120_000, everyMs: 1_000 },
    )
  })

  test('names are searched as in any cluster', async () => {
    const resolv = await read('/etc/resolv.conf')
    expect(resolv).toContain('search world.svc.cluster.local svc.cluster.local cluster.local')
    expect(resolv).toContain('ndots:5')
    const dns = await getJson(tenant.kubectl, ['service', 'kube-dns', '-n', 'kube-system'])
    expect(resolv).toContain(`nameserver ${String(dns.spec?.['clusterIP'])}`)
  })

  test.for([
    ['the short name of a Service', 'http://web/hostname', 'web'],
    ['its name with the namespace', 'http://web.world/hostname', 'web'],
    ['its whole name', 'http://web.world.svc.cluster.local/hostname', 'web'],
    ['a pod of a StatefulSet by its name', 'http://db-1.db:8080/hostname', 'db-1'],
    ['another by its whole name', 'http://db-0.db.world.svc.cluster.local:8080/hostname', 'db-0'],
  ] as const)('%s leads where it should', async ([, url, answer]) => {
    expect(await waitFor(url, () => inside('wget', '-q', '-O-', '--timeout=5', '--tries=1', url))).toBe(answer)
  })

  test('kubernetes.default leads to the API server', async () => {
    const looked = await inside('nslookup', 'kubernetes.default.svc.cluster.local')
    expect(looked).toContain(firstAddress(tenant.status.serviceSlice))
    const url = 'https://kubernetes.default/healthz'
    expect(await inside('wget', '-q', '-O-', `--ca-certificate=${serviceAccountDir}/ca.crt`, url)).toBe('ok')
  })

  test('the host name is the name of the pod', async () => {
    expect(await inside('hostname')).toBe('looker')
    const name = ['exec', '-n', 'world', 'db-0', '--', 'hostname']
    expect(await tenant.kubectl(name)).toBe('db-0')
  })

  test('nothing a pod can read names Berth or the super namespace', async () => {
    const files = `find ${serviceAccountDir}/ /downward/ /etc/hosts /etc/resolv.conf /etc/hostname -type f -o -type l`
    const world = await inside('sh', '-c', `env; for file in $(${files}); do echo "$file"; cat "$file" 2>/dev/null; done`)
    const token = await read(`${serviceAccountDir}/token`)
    const opened = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    const all = [world, ...opened.slice(0, 2)].join('\n')
    expect(all).toContain('MY_NAMESPACE=world')
    expect(all).not.toContain(superNamespace(tenant, 'world'))
    expect(all.toLowerCase()).not.toContain('berth')
  })

  test('another pod of the tenant has the same world without asking for it', async () => {
    const { kubectl } = tenant
    await apply(kubectl, pod('world', 'plain', { ...shell(idle), image: busybox }))
    await podReady(kubectl, 'world', 'plain')
    const said = await kubectl(['exec', '-n', 'world', 'plain', '--', 'sh', '-c', `env; cat ${serviceAccountDir}/namespace`])
    expect(said).toContain(`KUBERNETES_SERVICE_HOST=${firstAddress(tenant.status.serviceSlice)}`)
    expect(said.toLowerCase()).not.toContain('berth')
  })
})
