import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a client of the probe ends. Anything else says nothing. */
export const callExits = { asExpected: 0, unreached: 1, open: 3 } as const

export interface Call {
  readonly host: string
  readonly port: number
  /** open: a policy lets it through; shut: one does not. */
  readonly expects: 'open' | 'shut'
}

/** Times in milliseconds. */
export interface CallTimes {
  readonly attemptMs: number
  readonly pauseMs: number
  readonly deadlineMs: number
}

export const callTimes: CallTimes = { attemptMs: 2_000, pauseMs: 1_000, deadlineMs: 60_000 }
/** So many answers, or silences, in a row are believed: a policy takes a moment to hold for a new pod. */
const inRow = 5

const answers = ({ host, port }: Call, ms: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (answered: boolean) => (): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(ms, end(false)).once('connect', end(true)).once('error', end(false))
  })

/** Calls until what it sees is certain, and gives the exit code that tells it. */
export const call = async (wanted: Call, { attemptMs, pauseMs, deadlineMs }: CallTimes = callTimes): Promise<number> => {
  const until = performance.now() + deadlineMs
  let last: boolean | undefined
  let row = 0
  do {
    const answered = await answers(wanted, attemptMs)
    row = answered === last ? row + 1 : 1
    last = answered
    if (row >= inRow && answered === (wanted.expects === 'open')) return callExits.asExpected
    await sleep(pauseMs)
  } while (performance.now() < until)
  return last ? callExits.open : callExits.unreached
}

/** Takes connections and ends them, until it is stopped. */
export const serve = (port: number): Promise<{ readonly port: number; stop(): void }> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).end()
    })
    server.once('error', reject).listen(port, () => {
      const address = server.address()
      resolve({ port: typeof address === 'object' && address ? address.port : port, stop: () => void server.close() })
    })
  })
