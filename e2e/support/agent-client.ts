import { request } from 'node:https'
import { superKubectl } from './kubectl.ts'

export interface ClientKeys {
  readonly cert: string
  readonly key: string
}

/** The certificate with which a tenant's API server comes to vn-agent, out of its control-plane namespace. */
export const agentClientKeys = async (controlPlaneNamespace: string, secretName: string): Promise<ClientKeys> => {
  const read = async (file: string): Promise<string> => {
    const path = `jsonpath={.data.${file.replaceAll('.', '\\.')}}`
    const encoded = await superKubectl(['get', 'secret', secretName, '-n', controlPlaneNamespace, '-o', path])
    if (!encoded) throw new Error(`Secret ${secretName} has no ${file}`)
    return Buffer.from(encoded, 'base64').toString('utf8')
  }
  return { cert: await read('agent-client.crt'), key: await read('agent-client.key') }
}

/** One GET straight to vn-agent on a node. Who the server is does not matter here: the question is whom it lets in. */
export const askAgent = (ip: string, path: string, keys?: ClientKeys): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { host: ip, port: 10550, path, rejectUnauthorized: false, timeout: 10_000, agent: false, ...keys },
      (answer) => {
        let body = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          body += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
        answer.on('error', reject)
      },
    )
    asked.on('timeout', () => asked.destroy(new Error('vn-agent gave no answer within 10 s')))
    asked.on('error', reject)
    asked.end()
  })
