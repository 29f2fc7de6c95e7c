import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBinaries } from '../../hack/binaries.ts'
import { run } from '../../hack/run.ts'
import { issueAuthority, issueLeaf, type KeyPair } from '../controlplane/pki/issue.ts'
import { type Child, startChild } from './child.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './ports.ts'
import { testBinaries } from './test-binaries.ts'

/** A real etcd with TLS on loopback, as an operator would run one that tenants share. */
export interface StoreEtcd {
  /** `https://localhost:<port>`. */
  readonly endpoint: string
  readonly authority: KeyPair
  /** A client certificate of the authority. */
  client(commonName: string): Promise<KeyPair>
  /** etcdctl as the user root, or as another. */
  etcdctl(args: readonly string[], as?: KeyPair): Promise<string>
  enableAuth(): Promise<void>
  /** SIGSTOP: connections stay open and silent. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

const day = 24 * 3_600_000

/** Starts one. Its user root exists; nobody is asked for a name before `enableAuth`. */
export const startStoreEtcd = async (): Promise<StoreEtcd> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-store-'))
  const file = (name: string) => join(folder, name)
  let etcd: Child | undefined
  const stop = async () => {
    await etcd?.end('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [binaries, tools, [port, peerPort]] = await Promise.all([testBinaries(), ensureBinaries(['etcdctl']), freePorts(2)])
    const life = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 30 * day) }
    const authority = await issueAuthority({ subject: { commonName: 'store-ca' }, ...life })
    const client = (commonName: string) => issueLeaf(authority, { subject: { commonName }, usages: ['client'], ...life })
    const server = await issueLeaf(authority, {
      subject: { commonName: 'etcd' },
      usages: ['server', 'client'],
      names: ['localhost', '127.0.0.1'],
      ...life,
    })
    const root = await client('root')
    await writeFile(file('ca.crt'), authority.cert)
    const write = async (name: string, { cert, key }: KeyPair): Promise<void> => {
      await writeFile(file(`${name}.crt`), cert)
      await writeFile(file(`${name}.key`), key, { mode: 0o600 })
    }
    await write('server', server)
    await write('root', root)
    await mkdir(file('data'), { mode: 0o700 })
    const endpoint = `https://localhost:${port}`
    const peer = `http://127.0.0.1:${peerPort}`
    etcd = startChild(
      binaries.etcd,
      [
        `--data-dir=${file('data')}`,
        `--listen-client-urls=https://127.0.0.1:${port}`,
        `--advertise-client-urls=${endpoint}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        '--client-cert-auth',
        `--trusted-ca-file=${file('ca.crt')}`,
        `--cert-file=${file('server.crt')}`,
        `--key-file=${file('server.key')}`,
        '--unsafe-no-fsync',
        '--log-level=warn',
      ],
      file('etcd.log'),
    )
    let clients = 0
    const etcdctl: StoreEtcd['etcdctl'] = async (args, as) => {
      let name = 'root'
      if (as) {
        clients += 1
        name = `client-${clients}`
        await write(name, as)
      }
      const keys = [`--cacert=${file('ca.crt')}`, `--cert=${file(`${name}.crt`)}`, `--key=${file(`${name}.key`)}`]
      return run(tools.etcdctl, [`--endpoints=${endpoint}`, '--command-timeout=5s', ...keys, ...args])
    }
    await eventually(() => etcdctl(['endpoint', 'health']), { describe: 'etcd' })
    await etcdctl(['user', 'add', 'root', '--no-password'])
    await etcdctl(['user', 'grant-role', 'root', 'root'])
    return {
      endpoint,
      authority,
      client,
      etcdctl,
      enableAuth: async () => void (await etcdctl(['auth', 'enable'])),
      freeze: () => etcd?.signal('SIGSTOP'),
      thaw: () => etcd?.signal('SIGCONT'),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
