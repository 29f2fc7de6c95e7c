import { createServer } from 'node:net'

/** Workers of one run that look at the same time, each in a part of its own: another one's port is free as well until that is used. */
const lanes = 4
const lane = (Number(process.env['VITEST_POOL_ID'] ?? 1) - 1) % lanes
const size = 3_000
/** Below the kernel's ephemeral range (32768 and up), so that no outgoing connection takes a port between the look and the use. */
const range = { from: 18_000 + lane * size, to: 18_000 + (lane + 1) * size }
let next = range.from + ((process.pid * 16) % (range.to - range.from))

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })

/** Free loopback ports; each process starts looking at another place. */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports: number[] = []
  for (let tries = 0; ports.length < count && tries < 2000; tries += 1) {
    const port = next
    next = next + 1 < range.to ? next + 1 : range.from
    if (await isFree(port)) ports.push(port)
  }
  if (ports.length < count) throw new Error(`no ${count} free ports between ${range.from} and ${range.to}`)
  return ports
}
