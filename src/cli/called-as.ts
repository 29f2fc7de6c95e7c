/** A command line as the program runs it. */
export interface CommandLine {
  /** As usage texts say it. */
  readonly name: string
  readonly args: readonly string[]
}

/**
 * The same program under three names: `berth`; `kubectl-berth`, by which kubectl finds its plugin `kubectl berth`; and `kubectl_complete-berth`, by which kubectl
 * asks for what completes that.
 */
export const commandLineOf = (file: string, args: readonly string[]): CommandLine => {
  const called = file.replace(/\.(js|ts|cmd|exe)$/, '')
  if (called === 'kubectl_complete-berth') return { name: 'kubectl berth', args: ['__complete', '--', ...args] }
  return { name: called === 'kubectl-berth' ? 'kubectl berth' : 'berth', args }
}
