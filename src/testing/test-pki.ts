import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** PEM texts and files of a throw-away certificate authority. */
export interface TestPki {
  readonly ca: string
  readonly folder: string
  /** A client certificate: `user` becomes CN, `groups` become O. */
  readonly client: (user: string, groups?: readonly string[]) => Promise<{ clientCert: string; clientKey: string }>
}

const keyArgs = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Makes `ca`, `server` (127.0.0.1, localhost and the in-cluster names) and the service-account pair `sa.key`, `sa.pub` in a folder. */
export const createTestPki = async (folder: string): Promise<TestPki> => {
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder, timeout: 20_000 })
  const leaf = async (name: string, subject: string, extensions: readonly string[]) => {
    const ext = ['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'keyUsage=critical,digitalSignature']
    const signedBy = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '30', '-subj', subject]
    await openssl('req', '-x509', ...keyArgs, ...signedBy, '-keyout', `${name}.key`, '-out', `${name}.crt`, ...ext, ...extensions)
  }
  await openssl('req', '-x509', ...keyArgs, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test-ca', '-days', '30')
  const names = 'DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1'
  await leaf('server', '/CN=kube-apiserver', ['-addext', 'extendedKeyUsage=serverAuth', '-addext', `subjectAltName=${names}`])
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await writeFile(file('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
  await writeFile(file('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
  let clients = 0
  return {
    ca: await readFile(file('ca.crt'), 'utf8'),
    folder,
    client: async (user, groups = []) => {
      clients += 1
      const name = `client-${clients}`
      await leaf(name, `${groups.map((group) => `/O=${group}`).join('')}/CN=${user}`, ['-addext', 'extendedKeyUsage=clientAuth'])
      const [clientCert, clientKey] = await Promise.all([
        readFile(file(`${name}.crt`), 'utf8'),
        readFile(file(`${name}.key`), 'utf8'),
      ])
      return { clientCert, clientKey }
    },
  }
}
