import { AppError, type ErrorCode } from '../lib/errors.ts'

/** How `berth` ends. Scripts may count on these numbers. */
export const exitCodes = {
  done: 0,
  differs: 1,
  usage: 2,
  notFound: 3,
  failed: 4,
  unsettled: 5,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What a code means: of every command, and more closely of some. */
interface Meaning {
  readonly code: ExitCode
  readonly general?: string
  readonly of?: readonly (readonly [commands: string, meaning: string])[]
}

/** The one table: help and reference are made of it. */
export const exitCodeMeanings: readonly Meaning[] = [
  {
    code: exitCodes.done,
    general: 'done',
    of: [
      ['verify', 'both sides agree'],
      ['isolation verify', 'all checks that apply have passed'],
      ['doctor', 'nothing is wrong'],
      ['explain change', 'nothing would start anew'],
      ['explain object, explain super', 'nothing is pending'],
    ],
  },
  {
    code: exitCodes.differs,
    of: [
      ['verify', 'the sides differ'],
      ['isolation verify', 'a check has failed'],
      ['doctor', 'something is wrong'],
      ['explain change', 'something would start anew or stop'],
      ['explain object, explain super', 'something is pending or refused'],
      ['tenant delete', 'the answer to its question was not the name of the tenant'],
    ],
  },
  { code: exitCodes.usage, general: 'wrong usage or configuration' },
  { code: exitCodes.notFound, general: 'not found' },
  {
    code: exitCodes.failed,
    general: 'an API server, or the HTTP API, cannot be reached or refuses',
    of: [
      ['explain change', 'it would be refused'],
      ['tenant, certs, snapshot, clone, restore, install, uninstall', 'refused, or not in time'],
    ],
  },
  {
    code: exitCodes.unsettled,
    of: [
      ['verify', 'the sides were still changing when the time was over'],
      ['isolation verify', 'a check could not be carried out, and none has failed'],
    ],
  },
]

export const otherExitCodes =
  'A signal that ends a command adds its number to 128: 130 after Ctrl-C, 143 after SIGTERM. tenant connect ends with the code of its own command.'

/** A meaning as one line: `done; verify: both sides agree`. */
export const meaningText = ({ general, of = [] }: Meaning): string =>
  [...(general === undefined ? [] : [general]), ...of.map(([commands, meaning]) => `${commands}: ${meaning}`)].join('; ')

/** For every command's --help. */
export const exitCodesHelp = `
Exit codes:
${exitCodeMeanings.map((meaning) => `  ${meaning.code}  ${meaningText(meaning)}`).join('\n')}
  ${otherExitCodes}`

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  CONFIG_INVALID: exitCodes.usage,
  TENANT_NOT_FOUND: exitCodes.notFound,
  SNAPSHOT_NOT_FOUND: exitCodes.notFound,
  JOB_NOT_FOUND: exitCodes.notFound,
  ORGANIZATION_NOT_FOUND: exitCodes.notFound,
  API_KEY_NOT_FOUND: exitCodes.notFound,
  KUBECONFIG_NOT_FOUND: exitCodes.notFound,
  OPERATION_NOT_FOUND: exitCodes.notFound,
  KUBE_NOT_FOUND: exitCodes.notFound,
}

export const exitCodeOf = (error: unknown): ExitCode =>
  (error instanceof AppError ? byErrorCode[error.code] : undefined) ?? exitCodes.failed
