import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueAuthority, issueLeaf } from '../controlplane/pki/issue.ts'
import { type Child, startChild } from './child.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './ports.ts'
import { testBinaries } from './test-binaries.ts'

/** What it takes to come to an etcd. */
export interface EtcdAccess {
  readonly server: string
  readonly ca: string
  readonly clientCert: string
  readonly clientKey: string
}

export interface SecureEtcd {
  readonly access: EtcdAccess
  readonly child: Child
  put(key: string, value: string): Promise<void>
  get(key: string): Promise<string | undefined>
  revision(): Promise<number>
  stop(): Promise<void>
}

interface Answer {
  readonly header: { readonly revision: string }
  readonly kvs?: readonly { readonly value?: string }[]
}

const ask = ({ server, ca, clientCert, clientKey }: EtcdAccess, path: string, body: object): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const options = { method: 'POST', ca, cert: clientCert, key: clientKey, timeout: 5_000 }
    const call = request(new URL(`/v3/${path}`, server), options, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () =>
        answer.statusCode === 200
          ? resolve(JSON.parse(text) as Answer)
          : reject(new Error(`${path}: ${answer.statusCode} ${text}`)),
      )
    })
    call.on('timeout', () => call.destroy(new Error(`${path}: no answer within 5 s`)))
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })

/** A single etcd that takes clients of its own authority only, on loopback. `dataDir`: it goes on with the data that are there. */
export const startSecureEtcd = async ({ dataDir }: { readonly dataDir?: string } = {}): Promise<SecureEtcd> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-secure-etcd-'))
  const [{ etcd: program }, [port, peerPort]] = await Promise.all([testBinaries(), freePorts(2)])
  const life = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) }
  const authority = await issueAuthority({ subject: { commonName: 'etcd-ca' }, ...life })
  const leaf = await issueLeaf(authority, {
    subject: { commonName: 'etcd' },
    usages: ['server', 'client'],
    names: ['127.0.0.1', 'localhost'],
    ...life,
  })
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  const [ca, cert, key] = [
    await file('ca.crt', authority.cert),
    await file('tls.crt', leaf.cert),
    await file('tls.key', leaf.key),
  ]
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  const server = `https://127.0.0.1:${port}`
  const flags = [
    '--name=etcd-0',
    `--data-dir=${dataDir ?? join(folder, 'data')}`,
    `--listen-client-urls=${server}`,
    `--advertise-client-urls=${server}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    '--initial-advertise-peer-urls=https://etcd-0.etcd-peers:2380',
    '--initial-cluster=etcd-0=https://etcd-0.etcd-peers:2380',
    '--client-cert-auth',
    `--trusted-ca-file=${ca}`,
    `--cert-file=${cert}`,
    `--key-file=${key}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
  const child = startChild(program, flags, join(folder, 'log'))
  const access = { server, ca: authority.cert, clientCert: leaf.cert, clientKey: leaf.key }
  const call = (path: string, body: object): Promise<Answer> => ask(access, path, body)
  try {
    await eventually(() => call('maintenance/status', {}).catch(() => undefined), { describe: 'etcd', deadlineMs: 30_000 })
  } catch (error) {
    throw new Error(`etcd does not answer\n${await child.logTail()}`, { cause: error })
  }
  return {
    access,
    child,
    put: async (name, value) => void (await call('kv/put', { key: btoa(name), value: btoa(value) })),
    get: async (name) => {
      const { kvs = [] } = await call('kv/range', { key: btoa(name) })
      return kvs[0]?.value === undefined ? undefined : atob(kvs[0].value)
    },
    revision: async () => Number((await call('maintenance/status', {})).header.revision),
    stop: async () => {
      await child.end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
