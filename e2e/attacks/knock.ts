import { request } from 'node:https'
import { text } from 'node:stream/consumers'

/** What somebody shows at a door. */
export interface Shown {
  readonly token?: string
  readonly cert?: string
  readonly key?: string
}

/** One GET over TLS: status and body, or why there was no answer. Who the server is does not matter: the question is whom it lets in. */
export const knock = (url: string, { token, cert, key }: Shown): Promise<string> =>
  new Promise((resolve) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const options = {
      agent: false,
      rejectUnauthorized: false,
      timeout: 10_000,
      headers,
      ...(cert && { cert }),
      ...(key && { key }),
    }
    const asked = request(url, options, (answer) => {
      text(answer).then(
        (body) => resolve(`${answer.statusCode} ${body}`),
        (error: unknown) => resolve(String(error)),
      )
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')))
    asked.on('error', (error) => resolve(String(error)))
    asked.end()
  })
