/** One event of a stream. */
export interface StreamEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

const field = (frame: string, name: string): string =>
  frame
    .split('\n')
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2) ?? ''

/** Takes pieces of a stream of server-sent events, and gives the events that are whole. Comments are left out. */
export const createEventReader = (): ((chunk: string) => readonly StreamEvent[]) => {
  let rest = ''
  return (chunk) => {
    const frames = `${rest}${chunk}`.split('\n\n')
    rest = frames.pop() ?? ''
    return frames
      .filter((frame) => !frame.startsWith(':'))
      .map((frame) => ({ id: field(frame, 'id'), event: field(frame, 'event'), data: field(frame, 'data') }))
  }
}
