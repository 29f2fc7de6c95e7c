/** A connection to the inspector of another Node process (Chrome DevTools protocol). */
export interface Inspector {
  call(method: string): Promise<unknown>
  close(): void
}

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

const connectMs = 10_000

/** Connects to a process that was started with `--inspect=127.0.0.1:PORT`. */
export const openInspector = async (port: number): Promise<Inspector> => {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(connectMs) })
  const [target] = (await listed.json()) as { webSocketDebuggerUrl: string }[]
  if (!target) throw new Error(`nothing to inspect on port ${port}`)
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  const pending = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const { id = 0, result, error } = JSON.parse(String(data)) as Answer
    const call = pending.get(id)
    pending.delete(id)
    if (error) call?.reject(new Error(`inspector: ${error.message}`))
    else call?.resolve(result)
  })
  socket.addEventListener('close', () => {
    for (const { reject } of pending.values()) reject(new Error('the inspected process closed the connection'))
    pending.clear()
  })
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('error', () => reject(new Error(`no inspector answers on port ${port}`)), { once: true })
  })
  return {
    call: (method) =>
      new Promise((resolve, reject) => {
        last += 1
        pending.set(last, { resolve, reject })
        socket.send(JSON.stringify({ id: last, method }))
      }),
    close: () => socket.close(),
  }
}
