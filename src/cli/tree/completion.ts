import { Argument } from 'commander'
import { shells } from '../completion/shell-names.ts'
import type { Branch } from './branch.ts'

/** `berth completion`, and what its scripts ask at each press of the key. */
export const completionBranch: Branch = (program, { run }) => {
  program
    .command('completion')
    .description('print the script that lets a shell complete commands, options and names')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText(
      'after',
      `
  bash   source <(berth completion bash)
  zsh    source <(berth completion zsh)
  fish   berth completion fish | source
kubectl berth completes by itself where kubectl_complete-berth is on the PATH.`,
    )
    .action((shell: string) => run(async (host) => (await import('../completion/scripts.ts')).printCompletion(shell, host)))
  program
    .command('__complete [words...]', { hidden: true })
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action((words: readonly string[]) =>
      run(async (host) => (await import('../completion/complete.ts')).completeWords(words, { program, host })),
    )
}
