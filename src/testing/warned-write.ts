import { request } from 'node:https'
import type { KubeConnection } from '../kube/client.ts'

/** One write as a client that shows warnings sees it: with what the header `warning` says. */
export const write = async (
  { server, ca, clientCert, clientKey }: KubeConnection,
  method: 'POST' | 'PATCH',
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly warning: string; readonly text: string }> => {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; warning: string; text: string }>()
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const call = request(
    `${server}${path}`,
    { method, ca, cert: clientCert, key: clientKey, agent: false, timeout: 10_000, headers: { 'content-type': contentType } },
    (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, warning: [response.headers['warning'] ?? []].flat().join('\n'), text }),
      )
      response.on('error', reject)
    },
  )
  call.on('timeout', () => call.destroy(new Error(`${method} ${path} was not answered`)))
  call.on('error', reject)
  call.end(JSON.stringify(body))
  return promise
}
