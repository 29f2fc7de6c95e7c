import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson, superKubectl } from './support/kubectl.ts'
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

  test('a pod with a subdomain knows its full name in each of its containers, and nothing shows how', async () => {
    const { kubectl } = tenant
    const inPod = (pod: string, ...command: readonly string[]) => kubectl(['exec', '-n', 'world', pod, '--', ...command])
    expect(await inPod('db-0', 'hostname', '-f')).toBe('db-0.db.world.svc.cluster.local')
    const { status } = await getJson(kubectl, ['pod', 'db-0', '-n', 'world'])
    const hosts = await inPod('db-0', 'cat', '/etc/hosts')
    expect(hosts.split('\n')).toContain(`${String(status?.['podIP'])}\tdb-0.db.world.svc.cluster.local\tdb-0`)
    expect(status?.['initContainerStatuses']).toBeUndefined()

    const seen = 'hostname -f; tail -1 /etc/hosts'
    const resources = { requests: { cpu: '50m', memory: '32Mi' }, limits: { cpu: '50m', memory: '32Mi' } }
    const container = shell(`${seen}; cat /seen/init; echo 192.0.2.8 later >> /etc/hosts && ${idle}`, {
      resources,
      volumeMounts: [{ name: 'seen', mountPath: '/seen' }],
    })
    await apply(
      kubectl,
      pod('world', 'strict', container, {
        hostname: 'strict',
        subdomain: 'db',
        hostAliases: [{ ip: '192.0.2.7', hostnames: ['legacy'] }],
        initContainers: [
          { ...shell(`(${seen}) > /seen/init`), name: 'init', resources, volumeMounts: [{ name: 'seen', mountPath: '/seen' }] },
        ],
        volumes: [{ name: 'seen', emptyDir: {} }],
      }),
    )
    await podReady(kubectl, 'world', 'strict')
    const both = ['strict.db.world.svc.cluster.local', '192.0.2.7\tlegacy'].join('\n')
    // It is Ready before its script is through.
    await waitFor('what both containers saw', async () => {
      const said = await kubectl(['logs', '-n', 'world', 'strict', '-c', 'main'])
      return said === `${both}\n${both}` || Promise.reject(new Error(said))
    })
    const strict = await getJson(kubectl, ['pod', 'strict', '-n', 'world'])
    expect(strict.status?.['qosClass']).toBe('Guaranteed')
    const inSuper = await getJson(superKubectl, ['pod', 'strict', '-n', superNamespace(tenant, 'world')])
    expect(inSuper.status?.['qosClass']).toBe('Guaranteed')
    const heard = await kubectl(['get', 'events', '-n', 'world', '-o', 'json'])
    expect(heard).toContain('strict')
    expect(heard.toLowerCase()).not.toContain('berth-dev')
    expect(heard).not.toContain('etc-hosts')
  })

  /** The lines of a text that tell of Berth, of the tenant's UID and namespaces in super, or of the API server of super. */
  const strangeLines = async (text: string): Promise<string[]> => {
    const superApi = await getJson(superKubectl, ['service', 'kubernetes', '-n', 'default'])
    const address = new RegExp(`(^|[^0-9.])${String(superApi.spec?.['clusterIP']).replaceAll('.', '\\.')}($|[^0-9])`)
    const words = [superNamespace(tenant, 'world'), superNamespace(tenant, 'kube-system'), tenant.uid, 'berth']
    return text.split('\n').filter((line) => words.some((word) => line.toLowerCase().includes(word)) || address.test(line))
  }

  test('nothing a pod can read names Berth, the tenant as Berth has it, the super namespace or the API server of super', async () => {
    const { status } = await getJson(tenant.kubectl, ['pod', 'looker', '-n', 'world'])
    const looks = [
      'env',
      'tr "\\0" "\\n" < /proc/1/environ',
      'cat /proc/self/mountinfo /proc/1/cgroup /proc/mounts',
      'uname -a; hostname; hostname -f',
      `for file in $(find ${serviceAccountDir}/ /downward/ /etc/ -type f -o -type l); do echo "$file"; cat "$file" 2>/dev/null; done`,
      'nslookup looker.world.svc.cluster.local; nslookup db-0.db.world.svc.cluster.local; nslookup web; nslookup kubernetes.default',
      `nslookup ${String(status?.['podIP'])}; nslookup $KUBERNETES_SERVICE_HOST`,
    ]
    const world = await inside('sh', '-c', looks.map((look) => `(${look}) 2>&1`).join('; '))
    const token = await read(`${serviceAccountDir}/token`)
    const opened = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    // Where the machines of a local cluster keep state and groups of processes is no word of Berth's.
    const all = [world, ...opened.slice(0, 2)].join('\n').replaceAll(/\S*\/(?:containerd|kubelet|kubepods)\//g, '')
    expect(all).toContain('MY_NAMESPACE=world')
    expect(all).toContain(' /etc/hosts ')
    expect(all).toContain('looker.world.svc.cluster.local')
    expect(await strangeLines(all)).toEqual([])
  })

  test('nor does anything that the API server shows to its token', async () => {
    await tenant.kubectl([
      'create',
      'rolebinding',
      'looks',
      '-n',
      'world',
      '--clusterrole=view',
      '--serviceaccount=world:default',
    ])
    const kinds = ['pods', 'services', 'endpoints', 'configmaps', 'serviceaccounts', 'persistentvolumeclaims', 'events']
    for (const kind of kinds) {
      const text = await inside(
        'sh',
        '-c',
        `wget -q -O- --ca-certificate=${serviceAccountDir}/ca.crt --header="Authorization: Bearer $(cat ${serviceAccountDir}/token)" \
          https://kubernetes.default.svc/api/v1/namespaces/world/${kind}`,
      )
      const { items } = JSON.parse(text) as { items: Record<string, unknown>[] }
      expect(items.length).toBeGreaterThan(0)
      // Who wrote a field or an Event is told truly; that is the name of a program, not of a place.
      const writers = ['managedFields', 'source', 'reportingComponent']
      const told = JSON.parse(text, (key, value: unknown) => (writers.includes(key) ? undefined : value)) as unknown
      expect(await strangeLines(JSON.stringify(told, undefined, 1))).toEqual([])
    }
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
