import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'

/** Which call fails, counted from 1, and whether the server has carried it out by then (the answer is lost) or never got it. */
export interface Fault {
  readonly call: number
  readonly carriedOut: boolean
}

export interface FailingClient {
  readonly client: KubeClient
  /** Another client of the same process: what is called by it counts, and it ends with it. */
  readonly beside: (other: KubeClient) => KubeClient
  /** Calls so far, the failed one included. */
  readonly calls: number
  /** Writes that reached the server. */
  readonly writes: readonly string[]
}

const writing = ['create', 'replace', 'apply', 'patch', 'delete', 'deleteCollection'] as const
const counted: readonly string[] = ['get', 'list', 'raw', ...writing]

/** A client that works until one call, from which on every call fails: as if the process had been killed there. */
export const failingClient = (inner: KubeClient, fault?: Fault): FailingClient => {
  const state = { calls: 0, writes: [] as string[] }
  const dead = () => new AppError('KUBE_UNREACHABLE', `call ${state.calls} was cut off`)
  const through = (real: KubeClient): KubeClient =>
    new Proxy(real, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver)
        if (typeof name !== 'string' || typeof value !== 'function' || !counted.includes(name)) return value
        return async (...args: unknown[]) => {
          state.calls += 1
          const isFatal = fault !== undefined && state.calls >= fault.call
          if (isFatal && !(fault.carriedOut && state.calls === fault.call)) throw dead()
          if (writing.some((each) => each === name)) state.writes.push(`${name} ${JSON.stringify(args).slice(0, 1000)}`)
          const answer: unknown = await Reflect.apply(value, target, args)
          if (isFatal) throw dead()
          return answer
        }
      },
    })
  return {
    client: through(inner),
    beside: through,
    get calls() {
      return state.calls
    },
    get writes() {
      return state.writes
    },
  }
}
