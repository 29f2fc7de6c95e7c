/** Takes one line about what is going on now. Steps of a second or more say something, others keep quiet. */
export type Progress = (line: string) => void

export const silent: Progress = () => {}

/** Prints each line with the seconds since it was made, to standard error: standard output is for results. */
export const printProgress = (began = Date.now()): Progress => {
  return (line) => console.error(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)}s  ${line}`)
}
