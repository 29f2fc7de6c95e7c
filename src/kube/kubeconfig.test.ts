import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { connectionOf } from './connect.ts'
import { inClusterConnection, loadKubeconfig, parseKubeconfig } from './kubeconfig.ts'
import { tokenFile } from './token-file.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const aKubeconfig = ({ cluster = {}, user = {} }: { cluster?: object; user?: object } = {}) =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [
      { name: 'c', cluster: { server: 'https://10.0.0.1:6443', 'certificate-authority-data': base64('CA'), ...cluster } },
      { name: 'd', cluster: { server: 'https://second' } },
    ],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u' } },
      { name: 'two', context: { cluster: 'd', user: 'nobody' } },
      { name: 'three', context: { cluster: 'missing', user: 'u' } },
    ],
  })

describe('parseKubeconfig', () => {
  test('reads certificates', () => {
    const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') }
    expect(parseKubeconfig(aKubeconfig({ user, cluster: { 'tls-server-name': 'kubernetes' } }))).toEqual({
      server: 'https://10.0.0.1:6443',
      ca: 'CA',
      clientCert: 'CERT',
      clientKey: 'KEY',
      tlsServerName: 'kubernetes',
    })
  })

  test('reads a token', async () => {
    expect(await parseKubeconfig(aKubeconfig({ user: { token: 'T' } })).token?.()).toBe('T')
  })

  test('takes the context that was named', () => {
    expect(parseKubeconfig(aKubeconfig(), 'two')).toEqual({ server: 'https://second' })
  })

  test.for<[name: string, text: string, wanted: RegExp, context?: string]>([
    ['not YAML', 'a: [', /not YAML/],
    ['something else', 'clusters: 1', /is not one: clusters/],
    ['empty', '', /is not one/],
    ['no such context', aKubeconfig(), /no context "zero"/, 'zero'],
    ['a context without its cluster', aKubeconfig(), /no cluster "missing"/, 'three'],
    ['a program to run', aKubeconfig({ user: { exec: { command: 'sh' } } }), /uses exec, which only a kubeconfig file may/],
    ['a file to read', aKubeconfig({ user: { tokenFile: '/etc/shadow' } }), /uses tokenFile/],
    ['another file to read', aKubeconfig({ cluster: { 'certificate-authority': '/etc/shadow' } }), /uses certificate-authority/],
    [
      'no verification',
      aKubeconfig({ cluster: { 'insecure-skip-tls-verify': true } }),
      /insecure-skip-tls-verify is not supported/,
    ],
    ['a proxy', aKubeconfig({ cluster: { 'proxy-url': 'http://x' } }), /proxy-url is not supported/],
    ['no URL', aKubeconfig({ cluster: { server: 'file:///etc/passwd' } }), /no URL of an API server/],
  ])('refuses %s', ([, text, wanted, context]) => expect(() => parseKubeconfig(text, context)).toThrow(wanted))

  test('never quotes what it was given', () => {
    expect(() => parseKubeconfig('token: hunter2\nclusters: hunter2')).not.toThrow(/hunter2/)
    expect(() => parseKubeconfig('{token: hunter2')).not.toThrow(/hunter2/)
  })
})

describe('files', () => {
  let folder = ''
  const file = (name: string) => join(folder, name)
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-kubeconfig-'))
    await Promise.all([
      writeFile(file('ca.crt'), 'FILE-CA'),
      writeFile(file('token'), 'one\n'),
      writeFile(file('me.crt'), 'FILE-CERT'),
    ])
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('are found beside the kubeconfig', async () => {
    const cluster = { 'certificate-authority-data': undefined, 'certificate-authority': 'ca.crt' }
    const user = { 'client-certificate': 'me.crt', 'client-key-data': base64('KEY'), tokenFile: 'token' }
    await writeFile(file('config'), aKubeconfig({ cluster, user }))
    const connection = await loadKubeconfig(file('config'))
    expect(connection).toMatchObject({ ca: 'FILE-CA', clientCert: 'FILE-CERT', clientKey: 'KEY' })
    expect(await connection.token?.()).toBe('one')
  })

  test('an exec plugin is asked for its token, anew each time its token is over', async () => {
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'from-plugin' } }
    const exec = {
      apiVersion: credential.apiVersion,
      command: 'printf',
      args: ['%s', JSON.stringify(credential)],
      interactiveMode: 'Never',
    }
    await writeFile(file('exec'), aKubeconfig({ user: { exec } }))
    const connection = await loadKubeconfig(file('exec'))
    expect([connection.ca, await connection.token?.()]).toEqual(['CA', 'from-plugin'])
  })

  test('a missing one is named', async () => {
    await expect(loadKubeconfig(file('nope'))).rejects.toThrow(/cannot read .*nope/)
  })

  test('a token file is read again, and a failing read keeps the last token', async () => {
    let now = 0
    const token = tokenFile(file('rotating'), () => now)
    await expect(token()).rejects.toThrow(/cannot read the token file/)
    await writeFile(file('rotating'), 'first\n')
    expect(await token()).toBe('first')
    await writeFile(file('rotating'), 'second')
    now = 9000
    expect(await token()).toBe('first')
    now = 10_000
    expect(await token()).toBe('second')
    await rm(file('rotating'))
    now = 30_000
    expect(await token()).toBe('second')
  })

  test('a pod finds its API server by its service account', async () => {
    await mkdir(file('sa'))
    await Promise.all([writeFile(file('sa/ca.crt'), 'SA-CA'), writeFile(file('sa/token'), 'sa-token')])
    const connection = await inClusterConnection({ host: 'fd00::1', port: '443', directory: file('sa') })
    expect(connection).toMatchObject({ server: 'https://[fd00::1]:443', ca: 'SA-CA' })
    expect(await connection.token?.()).toBe('sa-token')
  })

  test('a process without either is told what to do', async () => {
    await expect(connectionOf({})).rejects.toThrow(/set KUBECONFIG or --kubeconfig, or run in a pod/)
  })
})
