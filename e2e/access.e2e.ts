import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { untilLine } from '../hack/lines.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import { agentClientKeys, askAgent, type ClientKeys } from './support/agent-client.ts'
import { apply, getJson, refusal, superKubectl, world } from './support/kubectl.ts'
import { idle, namespace, pod, service, shell, webServer } from './support/objects.ts'
import { forwardedPort, startKubectl } from './support/run.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { podReady, waitFor, waitIn } from './support/wait.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
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
    )
    await apply(blue.kubectl, namespace('private'), pod('private', 'secretive', shell(`echo for blue only; ${idle}`)))
    await podReady(red.kubectl, 'app', 'web', 'main', 'listener', 'other')
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
    expect(await red.kubectl(['logs', '-n', 'app', 'once-failed'])).toBe('second life')
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

  test('kubectl cp carries a file there and back', async () => {
    const bytes = randomBytes(5 * 1024 * 1024)
    const [there, back] = [join(world().dir, 'there'), join(world().dir, 'back')]
    await writeFile(there, bytes)
    await red.kubectl(['cp', there, 'app/other:/tmp/carried'])
    const inPod = await red.kubectl(['exec', '-n', 'app', 'other', '--', 'sha256sum', '/tmp/carried'])
    expect(inPod.split(' ')[0]).toBe(sha256(bytes))
    await red.kubectl(['cp', 'app/other:/tmp/carried', back])
    expect(sha256(await readFile(back))).toBe(sha256(bytes))
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
      ['the list of pods', () => '/pods'],
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

    test('lets nobody in without a certificate', async () => {
      await expect(askAgent(nodeIp, logs('app', 'main'))).rejects.toThrow(/certificate required|alert|reset|hang up/i)
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
