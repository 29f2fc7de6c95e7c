import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type ApiError, type ClientOptions, createClient, isApiError } from './index.ts'

const key = `berth_${'a'.repeat(16)}_${'s'.repeat(43)}`
const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

type Behaviour = (response: ServerResponse, request: IncomingMessage) => void

const problem =
  (status: number, code: string, headers: Record<string, string> = {}): Behaviour =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', 'x-request-id': 'r1', ...headers })
    response.end(
      JSON.stringify({
        type: 'about:blank',
        title: 't',
        status,
        detail: 'said',
        code,
        requestId: 'r1',
        errors: [{ pointer: '/a', detail: 'b' }],
      }),
    )
  }
const organization: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', etag: '"1"', 'x-request-id': 'r2' })
  response.end('{"name":"acme"}')
}
const cut: Behaviour = (response) => response.destroy()
/** Headers, half of the body, and then nothing any more. */
const cutInBody: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
  response.write('{"name"', () => response.destroy())
}

/** A server that behaves so, request by request; the last behaviour stays. */
const serve = async (behaviours: readonly Behaviour[], options: Partial<ClientOptions> = {}) => {
  const seen: { readonly method: string; readonly url: string; readonly key: string | undefined; readonly headers: object }[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    seen.push({ method, url, key: headers['idempotency-key'] as string | undefined, headers })
    const at = Math.min(seen.length, behaviours.length) - 1
    request.resume().on('end', () => behaviours[at]?.(response, request))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { seen, url, berth: createClient({ url, key, ...options }) }
}

const failure = async (work: Promise<unknown>): Promise<ApiError> => {
  try {
    await work
  } catch (error) {
    if (isApiError(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('a request', () => {
  test('has its path, query, key and headers', async () => {
    const { berth, seen } = await serve([organization])
    const answer = await berth.updateOrganization({ org: 'a/b ü', ifMatch: '"1"', body: {} }, { idempotencyKey: 'k' })
    expect(answer).toEqual({
      status: 200,
      body: { name: 'acme' },
      etag: '"1"',
      requestId: 'r2',
      isReplayed: false,
      location: undefined,
    })
    await berth.listTenants({ org: 'a', limit: 5, label: ['a=b', 'c=d'] })
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'PATCH /v1/organizations/a%2Fb%20%C3%BC',
      'GET /v1/organizations/a/tenants?limit=5&label=a%3Db&label=c%3Dd',
    ])
    expect(seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${key}`,
      'if-match': '"1"',
      'idempotency-key': 'k',
      'content-type': 'application/merge-patch+json',
    })
  })

  test.for(['', '.', '..'])('has no name %j, which would be another path', async (org) => {
    const { berth, seen } = await serve([organization])
    expect(() => berth.getOrganization({ org })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
    expect(seen).toEqual([])
  })

  test.for<[name: string, options: Partial<ClientOptions>]>([
    ['a key with a line break', { key: 'berth_secret\nx' }],
    ['no key', { key: '' }],
    ['another protocol', { url: 'file:///secret' }],
    ['no URL', { url: 'secret' }],
    ['a URL with a password', { url: 'https://a:secret@b' }],
  ])('is not made with %s, which the error does not tell', ([, options]) => {
    const make = () => createClient({ url: 'http://127.0.0.1', key, ...options })
    expect(make).toThrow(expect.objectContaining({ code: 'INPUT_INVALID', message: expect.not.stringContaining('secret') }))
  })

  test('does not carry its key to where a redirect leads', async () => {
    const other = await serve([organization])
    const { berth } = await serve([(response) => response.writeHead(307, { location: other.url }).end()], { retries: 0 })
    await failure(berth.getOrganization({ org: 'acme' }))
    expect(other.seen).toEqual([])
  })
})

describe('a failure', () => {
  test('is the problem that the API tells', async () => {
    const { berth, seen } = await serve([problem(400, 'REQUEST_INVALID')])
    const error = await failure(berth.createOrganization({ body: { name: 'acme' } }))
    expect(error).toMatchObject({
      code: 'REQUEST_INVALID',
      message: 'said',
      status: 400,
      requestId: 'r1',
      errors: [{ pointer: '/a', detail: 'b' }],
    })
    expect(seen).toHaveLength(1)
  })

  test('of something that is not the API says so', async () => {
    const { berth } = await serve([(response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>')])
    expect(await failure(berth.getOrganization({ org: 'a' }))).toMatchObject({ code: 'ANSWER_UNREADABLE', status: 502 })
  })

  test('never tells the key', async () => {
    for (const behaviour of [cut, problem(401, 'UNAUTHENTICATED'), problem(500, 'INTERNAL')]) {
      const { berth } = await serve([behaviour], { retries: 0 })
      const error = await failure(berth.getOrganization({ org: 'a' }))
      const { cause, ...fields } = error
      expect(JSON.stringify([fields, error.message, error.stack, String(cause), String((cause as Error)?.cause)])).not.toContain(
        'ssss',
      )
    }
  })
})

describe('once more', () => {
  test.for<[name: string, first: Behaviour]>([
    ['after a cut connection', cut],
    ['after a cut body', cutInBody],
    ['after 503 with Retry-After', problem(503, 'MANAGEMENT_UNAVAILABLE', { 'retry-after': '0' })],
    ['after 429 with Retry-After', problem(429, 'RATE_LIMITED', { 'retry-after': '0' })],
  ])('%s, with the same Idempotency-Key', async ([, first]) => {
    const retries: string[] = []
    const { berth, seen } = await serve([first, organization], { onRetry: ({ reason }) => void retries.push(reason) })
    expect((await berth.createOrganization({ body: { name: 'acme' } })).body.name).toBe('acme')
    expect(seen).toHaveLength(2)
    expect(seen[0]?.key).toMatch(/^[0-9a-f-]{36}$/)
    expect(seen[1]?.key).toBe(seen[0]?.key)
    expect(retries).toHaveLength(1)
  })

  test('another call has another key', async () => {
    const { berth, seen } = await serve([organization])
    for (const name of ['a', 'b']) await berth.createOrganization({ body: { name } })
    expect(seen[1]?.key).not.toBe(seen[0]?.key)
  })

  test('not for what may have been done, and has no key', async () => {
    const { berth, seen } = await serve([cut, organization])
    const error = await failure(berth.cancelOperation({ org: 'a', operation: 'b' }))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', isSafeToRepeat: false, status: undefined })
    expect(seen).toHaveLength(1)
  })

  test('only so often, and then the error has the key to go on with', async () => {
    const { berth, seen } = await serve([cut], { retries: 2, longestWaitMs: 10 })
    const error = await failure(berth.createOrganization({ body: { name: 'acme' } }))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', isSafeToRepeat: true, idempotencyKey: seen[0]?.key })
    expect(seen).toHaveLength(3)
  })

  test('not when the wait would be too long', async () => {
    const { berth, seen } = await serve([problem(503, 'MANAGEMENT_UNAVAILABLE', { 'retry-after': '60' }), organization])
    expect(await failure(berth.getOrganization({ org: 'a' }))).toMatchObject({ status: 503, retryAfterMs: 60_000 })
    expect(seen).toHaveLength(1)
  })

  test('a try has its time', async () => {
    const { berth } = await serve([() => {}], { retries: 0, timeoutMs: 50 })
    const error = await failure(berth.getOrganization({ org: 'a' }))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', message: expect.stringContaining('no answer in 0.05 s') })
  })

  test('not when its caller has gone, neither in a try nor between two', async () => {
    const { berth } = await serve([() => {}])
    const stop = new AbortController()
    const asked = berth.getOrganization({ org: 'a' }, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')

    const between = new AbortController()
    const { berth: busy, seen } = await serve([problem(503, 'MANAGEMENT_UNAVAILABLE', { 'retry-after': '20' })], {
      onRetry: () => between.abort(new Error('enough of this too')),
    })
    await expect(busy.getOrganization({ org: 'a' }, { signal: between.signal })).rejects.toThrow('enough of this too')
    expect(seen).toHaveLength(1)
  })
})
