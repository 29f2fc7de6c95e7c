import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisProgram } from '../../hack/images/redis.ts'
import { type Child, startChild } from './child.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './ports.ts'

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString().startsWith('+PONG'))
    })
    socket.once('error', () => resolve(false))
  })

export interface RedisServer {
  readonly url: string
  /** SIGKILL; the append-only file stays. */
  kill(): Promise<void>
  /** Starts it again on the same port with what it had. */
  restart(): Promise<void>
  /** Stands still: connections stay open and silent. */
  freeze(): Promise<void>
  thaw(): void
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** Default `noeviction`. */
  readonly policy?: string
}

/** A real Redis on loopback with an append-only file, in a folder of its own. */
export const startRedis = async ({ policy = 'noeviction' }: RedisServerOptions = {}): Promise<RedisServer> => {
  const [{ program, libraries }, [port = 0], folder] = await Promise.all([
    redisProgram(),
    freePorts(1),
    mkdtemp(join(tmpdir(), 'berth-redis-')),
  ])
  const server = join(folder, 'redis-server')
  await symlink(program, server)
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    'maxmemory-policy': policy,
    daemonize: 'no',
    save: '',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  let child: Child
  const start = async () => {
    child = startChild('env', [`LD_LIBRARY_PATH=${libraries}`, server, ...flags], join(folder, 'log'))
    await eventually(
      async () => {
        if (child.exit() !== undefined) throw new Error(`Redis ended: ${await child.logTail()}`)
        return answers(port)
      },
      { describe: 'Redis' },
    )
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: () => child.end('SIGKILL'),
    restart: start,
    freeze: () => child.freeze(),
    thaw: () => child.signal('SIGCONT'),
    stop: async () => {
      await child.end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
