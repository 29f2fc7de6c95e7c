import { type Command, InvalidArgumentError, Option } from 'commander'
import { outputFormats } from '../output-formats.ts'

/** A parser of numbers from `least` on. */
export const number =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isFinite(value) || value < least)
      throw new InvalidArgumentError(`a number from ${least} on is needed`)
    return value
  }

/** A parser of seconds: `5`, `5s`. */
export const seconds = (text: string): number => number(0)(text.replace(/s$/, ''))

/** A parser of an option that may be given several times. */
export const collected = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

/** Options of each command that speaks with the management cluster. */
export const withManagement = (command: Command): Command =>
  command
    .option(
      '--kubeconfig <file>',
      'kubeconfig of the management cluster (default: KUBECONFIG, ~/.kube/config, or the pod it runs in)',
    )
    .option('--context <context>', 'context of the kubeconfig')

/** The same, of one that is about tenants. What the API cannot do, `openAccess` refuses with a word on why. */
export const withAccess = (command: Command): Command =>
  withManagement(
    command.option('-n, --namespace <namespace>', 'namespace of the TenantControlPlane (default: that of the context)'),
  )
    .option('--api <url>', 'ask the HTTP API in the place of the management cluster (default: BERTH_API)')
    .option('--key-file <file>', 'file with the key of the API (default: the key in BERTH_API_KEY)')
    .option('--key <key>', 'the key itself, which others on this machine can see while the command runs')
    .option('--organization <organization>', 'organisation of the tenant in the API (default: the only one that the key sees)')

/** The option of each command that prints objects. */
export const withOutput = (command: Command): Command =>
  command.addOption(new Option('-o, --output <format>', 'how to print').choices(outputFormats).default('table'))

/** The options of each command that waits only when it is told to. */
export const withWait = (command: Command, timeout: number): Command =>
  command.option('--wait', 'wait until it is done').option('--timeout <seconds>', 'how long to wait', seconds, timeout)

export const superKubeconfigOption = [
  '--super-kubeconfig <file>',
  'kubeconfig of the super cluster (default: the management cluster)',
] as const

export const identityOption = [
  '--identity-secret <name>',
  'Secret with the private key of age, for a snapshot that is encrypted',
] as const
