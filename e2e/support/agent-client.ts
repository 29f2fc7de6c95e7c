import { request } from 'node:https'
import { text } from 'node:stream/consumers'
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

const agentPort = 10550

/** One GET straight to vn-agent on a node. Who the server is does not matter here: the question is whom it lets in. */
export const askAgent = (
  ip: string,
  path: string,
  keys?: ClientKeys | { readonly token: string },
  port = agentPort,
): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const shown = keys && 'token' in keys ? { headers: { authorization: `Bearer ${keys.token}` } } : keys
    const asked = request(
      { host: ip, port, path, rejectUnauthorized: false, timeout: 10_000, agent: false, ...shown },
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

const webSocketHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': Buffer.from('sixteen bytes...').toString('base64'),
  'sec-websocket-version': '13',
  'sec-websocket-protocol': 'v4.channel.k8s.io',
}

/** Asks vn-agent for a stream and hangs up: `101` when it was opened, status and body when not. */
export const dialAgent = (ip: string, path: string, keys: ClientKeys, port = agentPort): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = { host: ip, port, path, rejectUnauthorized: false, timeout: 10_000, agent: false, headers: webSocketHeaders }
    const asked = request({ ...options, ...keys })
    asked.on('timeout', () => asked.destroy(new Error('vn-agent gave no answer within 10 s')))
    asked.on('error', reject)
    asked.on('response', (answer) => {
      text(answer).then((body) => resolve(`${answer.statusCode} ${body}`), reject)
    })
    asked.on('upgrade', (answer, socket) => {
      socket.destroy()
      resolve(String(answer.statusCode))
    })
    asked.end()
  })

/** Runs a command by vn-agent, as a tenant's API server does for a WebSocket client: everything that came until the other side ended, frames and all. */
export const execByAgent = (ip: string, path: string, keys: ClientKeys, port = agentPort): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = webSocketHeaders
    const asked = request({ host: ip, port, path, rejectUnauthorized: false, timeout: 10_000, agent: false, headers, ...keys })
    asked.on('timeout', () => asked.destroy(new Error('vn-agent gave no answer within 10 s')))
    asked.on('error', reject)
    asked.on('response', (answer) => reject(new Error(`vn-agent answers ${answer.statusCode}`)))
    asked.on('upgrade', (_answer, socket, head) => {
      let received = head.toString('latin1')
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1')
      })
      socket.on('error', reject)
      socket.on('end', () => {
        socket.destroy()
        resolve(received)
      })
    })
    asked.end()
  })
