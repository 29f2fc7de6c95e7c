import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { untilLine } from '../hack/lines.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import { agentClientKeys, askAgent, type ClientKeys, execByAgent } from './support/agent-client.ts'
import { apply, getJson, refusal, superKubectl, world } from './support/kubectl.ts'
import { startKubeletAgent } from './support/kubelet-agent.ts'
import { idle, namespace, pod, service, shell, webServer } from './support/objects.ts'
import { forwardedPort, startKubectl } from './support/run.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { podReady, waitFor, waitIn } from './support/wait.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const fileHash = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

/** A file of random bytes, so that nothing on the way can pack them; its SHA-256. */
const writeRandom = async (path: string, mebibytes: number): Promise<string> => {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  try {
    for (let written = 0; written < mebibytes; written += 1) {
      const bytes = randomBytes(1024 * 1024)
      hash.update(bytes)
      await file.write(bytes)
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}
const ticking = 'i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.2; done'

describe('reaching into pods', () => {
  let red: Tenant
  let blue: Tenant

  beforeAll(async () => {
    red = await createTenant('red')
    blue = await createTenant('blue')
    // The same names on both sides; only what the pods say differs.
    for (const tenant of [red, blue]) {
      await apply(
        tenant.kubectl,
        namespace('app'),
        service('app', 'web'),
        pod('app', 'web', webServer()),
        pod('app', 'main', shell(`echo I am ${tenant.name}; echo ${tenant.name} > /tmp/who; ${ticking}`)),
      )
    }
    await apply(
      red.kubectl,
      pod(
        'app',
        'once-failed',
        shell('if [ -e /memory/seen ]; then echo second life; sleep 3600; fi; touch /memory/seen; echo first life; exit 3', {
          volumeMounts: [{ name: 'memory', mountPath: '/memory' }],
        }),
        { volumes: [{ name: 'memory', emptyDir: {} }] },
      ),
      pod('app', 'listener', shell('while read line; do echo "heard $line"; done', { stdin: true })),
      pod('app', 'other', shell(idle)),
      pod('app', 'short', shell(`echo one line; ${idle}`)),
    )
    await apply(blue.kubectl, namespace('private'), pod('private', 'secretive', shell(`echo for blue only; ${idle}`)))
    await podReady(red.kubectl, 'app', 'web', 'main', 'listener', 'other', 'short')
    await podReady(blue.kubectl, 'app', 'web', 'main')
    await podReady(blue.kubectl, 'private', 'secretive')
  })
  afterAll(() => deleteTenants('red', 'blue'))

  const exec = (tenant: Tenant, ...command: readonly string[]): Promise<string> =>
    tenant.kubectl(['exec', '-n', 'app', 'main', '--', ...command])

  test('kubectl logs -f streams while the pod runs', async () => {
    const follow = startKubectl(red, ['logs', '-f', '--tail=1', '-n', 'app', 'main'])
    const seen: { line: string; at: number }[] = []
    await untilLine(follow.stdout, (line) => {
      seen.push({ line, at: performance.now() })
      return seen.length === 6 ? true : undefined
    })
    follow.kill()
    await follow
    const numbers = seen.map(({ line }) => Number(/^tick (\d+)$/.exec(line)?.[1]))
    expect(numbers.slice(1)).toEqual(numbers.slice(0, -1).map((number) => number + 1))
    // Six ticks, 0.2 s apart, came as they were made and not in one piece.
    expect((seen.at(-1)?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThan(500)
  })

  test('kubectl logs keeps to --tail, --since, --limit-bytes and --timestamps', async () => {
    const logs = (...options: readonly string[]) => red.kubectl(['logs', '-n', 'app', 'main', ...options])
    expect((await logs('--tail=2')).split('\n')).toHaveLength(2)
    const since = (await logs('--since=2s')).split('\n').length
    expect(since).toBeGreaterThan(2)
    expect(since).toBeLessThan(20)
    expect(await logs('--limit-bytes=8')).toBe('I am red')
    expect(await logs('--timestamps', '--tail=1')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z tick \d+$/)
    expect((await logs()).startsWith('I am red\ntick 1\n')).toBe(true)
  })

  test('kubectl logs --previous shows the life before', async () => {
    await waitFor('a restarted container', async () => {
      const { status } = await getJson(red.kubectl, ['pod', 'once-failed', '-n', 'app'])
      const [container] = (status?.['containerStatuses'] ?? []) as { restartCount: number; ready: boolean }[]
      return container?.restartCount === 1 && container.ready
    })
    expect(await red.kubectl(['logs', '-n', 'app', 'once-failed', '--previous'])).toBe('first life')
    // It runs a moment before it speaks.
    await waitFor('the second life', async () => (await red.kubectl(['logs', '-n', 'app', 'once-failed'])) === 'second life')
  })

  test('a log read over a WebSocket, as dashboards do, is whole each time', async () => {
    const proxy = startKubectl(red, ['proxy', '--port=0'])
    try {
      const port = await untilLine(proxy.stdout, (line) => /^Starting to serve on .*:(\d+)$/.exec(line)?.[1])
      const read = async (): Promise<string> => {
        const url = `ws://127.0.0.1:${port}/api/v1/namespaces/app/pods/short/log`
        const socket = new WebSocket(url, ['binary.k8s.io'])
        socket.binaryType = 'arraybuffer'
        let text = ''
        socket.addEventListener('message', ({ data }) => {
          text += Buffer.from(data as ArrayBuffer).toString()
        })
        await new Promise((resolve, reject) => {
          socket.addEventListener('close', resolve)
          socket.addEventListener('error', () => reject(new Error(`no WebSocket to ${url}`)))
        })
        return text
      }
      const texts = new Map<string, number>()
      for (let i = 0; i < 50; i += 1) {
        const text = await read()
        texts.set(text, (texts.get(text) ?? 0) + 1)
      }
      expect([...texts]).toEqual([['one line\n', 50]])
    } finally {
      proxy.kill()
      await proxy
    }
  })

  test('kubectl exec gives output, errors and the exit code', async () => {
    const result = await startKubectl(red, ['exec', '-n', 'app', 'main', '--', 'sh', '-c', 'echo out; echo err >&2; exit 5'])
    expect(result.stdout).toBe('out')
    expect(result.stderr).toContain('err')
    expect(result.exitCode).toBe(5)
  })

  test('kubectl exec -i carries binary input whole', async () => {
    const bytes = randomBytes(3 * 1024 * 1024)
    const { stdout } = await execa(
      world().kubectl,
      ['--kubeconfig', red.kubeconfig, 'exec', '-i', '-n', 'app', 'main', '--', 'sha256sum'],
      { input: bytes, timeout: 60_000 },
    )
    expect(stdout.split(' ')[0]).toBe(sha256(bytes))
  })

  test('kubectl exec -it is a terminal', async () => {
    const command = `'${world().kubectl}' --kubeconfig '${red.kubeconfig}' exec -it -n app main -- sh`
    // `script` gives kubectl a real terminal on this side.
    const typed = execa('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      input: 'test -t 0 && echo it is a $((1))st terminal\nexit 4\n',
      reject: false,
      timeout: 30_000,
      env: { TERM: 'dumb' },
    })
    const { stdout, exitCode } = await typed
    expect(stdout).toContain('it is a 1st terminal')
    expect(exitCode).toBe(4)
  })

  test('kubectl attach talks with the running process', async () => {
    const attach = startKubectl(red, ['attach', '-i', '-n', 'app', 'listener', '--quiet'], 30_000)
    const said = untilLine(attach.stdout, (line) => (line.startsWith('heard') ? line : undefined))
    attach.stdin.write('something\n')
    expect(await said).toBe('heard something')
    attach.kill()
    await attach
  })

  test('kubectl cp carries 512 MiB there, and 64 MiB back', async () => {
    const [there, back] = [join(world().dir, 'there'), join(world().dir, 'back')]
    const sent = await writeRandom(there, 512)
    await red.kubectl(['cp', there, 'app/other:/tmp/carried'], { timeoutMs: 120_000 })
    const inPod = await red.kubectl(['exec', '-n', 'app', 'other', '--', 'sha256sum', '/tmp/carried'], { timeoutMs: 60_000 })
    expect(inPod.split(' ')[0]).toBe(sent)
    await rm(there)
    const part = 'head -c 67108864 /tmp/carried > /tmp/part && rm /tmp/carried && sha256sum /tmp/part'
    const [partHash] = (await red.kubectl(['exec', '-n', 'app', 'other', '--', 'sh', '-c', part])).split(' ')
    await red.kubectl(['cp', 'app/other:/tmp/part', back], { timeoutMs: 60_000 })
    expect(await fileHash(back)).toBe(partHash)
    await rm(back)
  })

  test.for(['pod/web', 'service/web'])('kubectl port-forward to %s', async (target) => {
    const port = target.startsWith('pod') ? ':8080' : ':80'
    const forward = startKubectl(red, ['port-forward', '-n', 'app', target, port])
    try {
      const url = `http://127.0.0.1:${await forwardedPort(forward)}`
      for (const path of ['/hostname', '/echo?msg=again']) {
        const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) })
        expect(await answer.text()).toBe(path === '/hostname' ? 'web' : 'again')
      }
    } finally {
      forward.kill()
      await forward
    }
  })

  test('two tenants with the same names each see their own', async () => {
    for (const tenant of [red, blue]) {
      expect(await exec(tenant, 'cat', '/tmp/who')).toBe(tenant.name)
      expect((await tenant.kubectl(['logs', '-n', 'app', 'main'])).split('\n')[0]).toBe(`I am ${tenant.name}`)
    }
    const uids = await Promise.all(
      [red, blue].map((tenant) => getJson(tenant.kubectl, ['pod', 'main', '-n', 'app']).then(({ metadata }) => metadata.uid)),
    )
    expect(uids[0]).not.toBe(uids[1])
    const addresses = await Promise.all(
      [red, blue].map((tenant) =>
        getJson(tenant.kubectl, ['service', 'web', '-n', 'app']).then(({ spec }) => spec?.['clusterIP']),
      ),
    )
    expect(addresses[0]).not.toBe(addresses[1])
    expect(await refusal(red.kubectl(['get', 'namespace', 'private']))).toMatch(/not found/i)
  })

  test("one tenant's kubeconfig is no key to another's API server", async () => {
    const { endpoint } = blue.status
    const said = await refusal(red.kubectl(['--server', endpoint, '--insecure-skip-tls-verify', 'get', 'namespaces']))
    expect(said).toMatch(/Unauthorized|logged in|certificate/i)
  })

  describe('vn-agent itself', () => {
    let keys: ClientKeys
    let nodeIp: string
    const logs = (space: string, name: string): string => `/containerLogs/${space}/${name}/main`

    beforeAll(async () => {
      keys = await agentClientKeys(red.controlPlaneNamespace, 'kube-apiserver-keys')
      const onNode = (await getJson(superKubectl, ['pod', 'secretive', '-n', superNamespace(blue, 'private')])).spec?.['nodeName']
      nodeIp = world().nodes.find(({ name }) => name === onNode)?.ip ?? ''
      expect(nodeIp).not.toBe('')
    })

    test("lets a tenant's certificate in to its own pods", async () => {
      const { status, body } = await askAgent(nodeIp, logs('app', 'main'), keys)
      expect(status).toBe(200)
      expect(body.startsWith('I am red\n')).toBe(true)
    })

    test.for<[what: string, path: () => string]>([
      ["another tenant's pod by its name", () => logs('private', 'secretive')],
      ["another tenant's pod by the super namespace", () => logs(superNamespace(blue, 'private'), 'secretive')],
      ['its own pod by the super namespace', () => logs(superNamespace(red, 'app'), 'main')],
      ["a pod of another tenant's control plane", () => logs(blue.controlPlaneNamespace, 'etcd-0')],
      ['a way up', () => `/containerLogs/app/..%2f..%2fmain/main`],
      ["the node's logs", () => '/logs/'],
      ['the commands of the kubelet', () => '/run/app/main/main?cmd=id'],
      ['the configuration of the kubelet', () => '/configz'],
    ])('answers 404 to %s', async ([, path]) => {
      expect((await askAgent(nodeIp, path(), keys)).status).toBe(404)
    })

    test("another tenant's pod looks like one that is not there", async () => {
      const [foreign, missing] = await Promise.all([
        askAgent(nodeIp, logs('private', 'secretive'), keys),
        askAgent(nodeIp, logs('app', 'nobody'), keys),
      ])
      expect(foreign).toEqual(missing)
    })

    test('lets nobody in without a certificate or a token', async () => {
      for (const path of [logs('app', 'main'), '/metrics/resource', '/pods']) {
        expect((await askAgent(nodeIp, path)).status).toBe(401)
      }
    })

    test('shows a tenant of a node what is its own, and nothing else', async () => {
      const mine = await getJson(red.kubectl, ['pod', 'main', '-n', 'app'])
      const node = String(mine.spec?.['nodeName'])
      const page = (path: string): Promise<string> => red.kubectl(['get', '--raw', `/api/v1/nodes/${node}/proxy${path}`])
      const foreign = [red, blue].flatMap(({ controlPlaneNamespace }) => controlPlaneNamespace)
      const words = [...foreign, superNamespace(red, 'app'), superNamespace(blue, 'app'), 'secretive', 'berth-system', 'vn-agent']
      for (const path of ['/pods', '/runningpods/', '/stats/summary', '/metrics', '/metrics/cadvisor', '/metrics/resource']) {
        const text = await page(path)
        for (const word of words) expect(text.includes(word), `${path} says ${word}`).toBe(false)
        if (path !== '/metrics') await waitFor(`main in ${path}`, async () => (await page(path)).includes('"main"'))
      }
      const { items } = JSON.parse(await page('/pods')) as { items: { metadata: { uid: string; namespace: string } }[] }
      expect(items.find(({ metadata }) => metadata.uid === mine.metadata.uid)?.metadata.namespace).toBe('app')
      const resource = await page('/metrics/resource')
      expect(resource).toMatch(/^pod_memory_working_set_bytes\{namespace="app",pod="main"\} [\d.e+]+ \d+$/m)
      expect(resource).toMatch(/^node_memory_working_set_bytes [1-9][\d.e+]* \d+$/m)
    })

    test("lets a tenant's metrics server in by its token, to what its role allows", async () => {
      await red.kubectl(['create', 'serviceaccount', 'scraper', '-n', 'app'])
      const token = await red.kubectl(['create', 'token', 'scraper', '-n', 'app'])
      expect((await askAgent(nodeIp, '/metrics/resource', { token })).status).toBe(403)
      await red.kubectl(['create', 'clusterrole', 'scraper', '--verb=get', '--resource=nodes/metrics'])
      await red.kubectl(['create', 'clusterrolebinding', 'scraper', '--clusterrole=scraper', '--serviceaccount=app:scraper'])
      await waitFor('the role to count', async () => (await askAgent(nodeIp, '/metrics/resource', { token })).status === 200)
      expect((await askAgent(nodeIp, '/pods', { token })).status).toBe(403)
      expect((await askAgent(nodeIp, logs('app', 'main'), { token })).status).toBe(403)
      // The same account of another tenant reads that tenant's node, and its role there is another.
      await blue.kubectl(['create', 'serviceaccount', 'scraper', '-n', 'app'])
      const foreign = await blue.kubectl(['create', 'token', 'scraper', '-n', 'app'])
      expect((await askAgent(nodeIp, '/metrics/resource', { token: foreign })).status).toBe(403)
      // A token of super itself is nobody's here.
      const ofSuper = await superKubectl(['create', 'token', 'default', '-n', 'default'])
      expect((await askAgent(nodeIp, '/metrics/resource', { token: ofSuper })).status).toBe(401)
    })

    test('straight to the kubelet: the same pods, and no others', async () => {
      const node = String((await getJson(red.kubectl, ['pod', 'main', '-n', 'app'])).spec?.['nodeName'])
      const ip = world().nodes.find(({ name }) => name === node)?.ip ?? ''
      const agent = await startKubeletAgent(node)
      try {
        const ask = (path: string) => askAgent(ip, path, keys, agent.port)
        expect((await ask(`${logs('app', 'main')}?tailLines=1`)).body).toMatch(/^tick \d+\n$/)
        expect(await execByAgent(ip, '/exec/app/main/main?command=cat&command=/tmp/who&output=1', keys, agent.port)).toContain(
          'red\n',
        )
        for (const path of [
          logs('app', 'nothing'),
          logs('private', 'secretive'),
          logs(superNamespace(red, 'app'), 'main'),
          logs(superNamespace(blue, 'app'), 'main'),
          logs('berth-system', 'story-kubelet-agent'),
          '/logs/',
          '/run/app/main/main?cmd=id',
        ]) {
          expect((await ask(path)).status, path).toBe(404)
        }
        // The kubelet's own words about a container that is not there, without its names for the pod.
        const { status, body } = await ask('/containerLogs/app/main/nobody')
        expect(status).toBeGreaterThanOrEqual(400)
        expect(body).not.toContain(superNamespace(red, 'app'))
      } finally {
        await agent.stop()
      }
    })

    test('lets nobody in with a certificate of another authority', async () => {
      const { users } = JSON.parse(await red.kubectl(['config', 'view', '--raw', '-o', 'json'])) as {
        users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[]
      }
      const admin = users[0]?.user
      const text = (value = '') => Buffer.from(value, 'base64').toString('utf8')
      const other = { cert: text(admin?.['client-certificate-data']), key: text(admin?.['client-key-data']) }
      expect(other.cert).toContain('BEGIN CERTIFICATE')
      await expect(askAgent(nodeIp, logs('app', 'main'), other)).rejects.toThrow(/unknown ca|alert|reset|hang up|certificate/i)
    })
  })

  test('a pod that is gone leaves nothing to reach', async () => {
    await apply(red.kubectl, pod('app', 'leaving', shell(idle)))
    await podReady(red.kubectl, 'app', 'leaving')
    await red.kubectl(['delete', 'pod', 'leaving', '-n', 'app', '--timeout=30s'])
    expect(await refusal(red.kubectl(['logs', '-n', 'app', 'leaving']))).toMatch(/not found/i)
    await waitIn(superKubectl, superNamespace(red, 'app'), ['wait', '--for=delete', 'pod/leaving'], 30_000)
  })
})
