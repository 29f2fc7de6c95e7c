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

/** For every command's --help. */
export const exitCodesHelp = `
Exit codes:
  0  done; verify: both sides agree; doctor: nothing is wrong; explain change: nothing would start anew
  1  verify: the sides differ; doctor: something is wrong; explain change: something would start anew or stop
  2  wrong usage or configuration
  3  not found
  4  an API server cannot be reached, or refuses; explain change: it would be refused; pause, resume, certs, snapshot, restore: refused, or not in time
  5  verify: the sides were still changing when the time was over
  connect ends with the code of its command.`

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  CONFIG_INVALID: exitCodes.usage,
  TENANT_NOT_FOUND: exitCodes.notFound,
  SNAPSHOT_NOT_FOUND: exitCodes.notFound,
  KUBE_NOT_FOUND: exitCodes.notFound,
}

export const exitCodeOf = (error: unknown): ExitCode =>
  (error instanceof AppError ? byErrorCode[error.code] : undefined) ?? exitCodes.failed
