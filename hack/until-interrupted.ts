/** Aborted by the first Ctrl-C, which ends the work and tidies up, as `doing` says. A second one ends the process, and leaves all as it is. */
export const untilInterrupted = (doing = 'tidying up'): AbortSignal => {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(130)
      console.error(`${doing}; once more to leave it as it is`)
      stop.abort(new Error(`ended by ${name}`))
    })
  }
  return stop.signal
}
