import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { explainError } from '../lib/errors.ts'

/** A named check: undefined when well, else why not. */
export type HealthCheck = () => string | undefined | Promise<string | undefined>

export interface HealthServerOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Default all addresses. */
  readonly host?: string
  /** Lets the next process on the same machine listen before this one has ended (Linux, SO_REUSEPORT). */
  readonly reusePort?: boolean
  /** Alive: what only a restart can mend. */
  readonly live?: Readonly<Record<string, HealthCheck>>
  /** Ready: what has to be well for work to be given. */
  readonly ready?: Readonly<Record<string, HealthCheck>>
  readonly registry?: Registry
}

export interface HealthServer {
  readonly port: number
  stop(): Promise<void>
}

const checkDeadlineMs = 2000

const runChecks = async (checks: Readonly<Record<string, HealthCheck>>): Promise<{ well: boolean; text: string }> => {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve(`no answer within ${checkDeadlineMs} ms`), checkDeadlineMs)
      })
      const complaint = await Promise.race([late, (async () => check())().catch(explainError)])
      clearTimeout(timer)
      return { complaint, line: complaint === undefined ? `[+] ${name} ok` : `[-] ${name}: ${complaint}` }
    }),
  )
  const well = results.every(({ complaint }) => complaint === undefined)
  return { well, text: [...results.map(({ line }) => line), well ? 'ok' : 'not ok', ''].join('\n') }
}

/** Plain HTTP for probes and scrapes: /healthz, /readyz, /metrics; GET only. */
export const startHealthServer = async ({
  port,
  host,
  reusePort = false,
  live = {},
  ready = {},
  registry,
}: HealthServerOptions): Promise<HealthServer> => {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
    }
    const text = 'text/plain; charset=utf-8'
    const serve = async () => {
      const path = request.url?.split('?', 1)[0]
      if (request.method !== 'GET') return answer(405, text, 'GET only\n')
      if (path === '/metrics' && registry) return answer(200, registry.contentType, await registry.metrics())
      const checks = path === '/healthz' ? live : path === '/readyz' ? ready : undefined
      if (!checks) return answer(404, text, 'not found\n')
      const { well, text: body } = await runChecks(checks)
      return answer(well ? 200 : 503, text, body)
    }
    serve().catch((error: unknown) => answer(500, text, `${explainError(error)}\n`))
  })
  server.requestTimeout = 10_000
  server.headersTimeout = 5000
  server.maxConnections = 100
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, reusePort, ...(host !== undefined && { host }) }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
