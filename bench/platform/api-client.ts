import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'

export interface ApiAnswer {
  readonly status: number
  readonly body: string
}

/** A client of the HTTP API that keeps its connections, as a backend would. */
export interface ApiClient {
  /** Resolves when the whole answer is there. Throws for any status but 2xx. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<ApiAnswer>
  /** A stream of events on a connection of its own; resolves with the head of the answer. */
  stream(path: string): Promise<{ readonly request: ClientRequest; readonly response: IncomingMessage }>
  close(): void
}

interface ApiPlace {
  readonly port: number
  readonly key: string
}

const answerMs = 60_000

export const createApiClient = ({ port, key }: ApiPlace): ApiClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const common = { host: '127.0.0.1', port }
  const headers = { authorization: `Bearer ${key}` }
  return {
    ask: (method, path, body) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body)
        const request = httpRequest(
          {
            ...common,
            agent,
            method,
            path,
            signal: AbortSignal.timeout(answerMs),
            headers: {
              ...headers,
              ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
            },
          },
          (response) => {
            const chunks: Buffer[] = []
            response.on('data', (chunk: Buffer) => chunks.push(chunk))
            response.on('error', reject)
            response.on('end', () => {
              const answer = { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
              if (answer.status >= 200 && answer.status < 300) resolve(answer)
              else reject(new Error(`${method} ${path}: ${answer.status} ${answer.body.slice(0, 500)}`))
            })
          },
        )
        request.on('error', reject)
        request.end(text)
      }),
    stream: (path) =>
      new Promise((resolve, reject) => {
        const request = httpRequest({ ...common, agent: false, path, headers }, (response) => {
          if (response.statusCode === 200) resolve({ request, response })
          else {
            request.destroy()
            reject(new Error(`GET ${path}: ${response.statusCode}`))
          }
        })
        request.on('error', reject)
        request.end()
      }),
    close: () => agent.destroy(),
  }
}
