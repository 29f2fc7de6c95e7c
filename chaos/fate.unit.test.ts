import { expect, test } from 'vitest'
import { AppError, type ErrorCode } from '../src/lib/errors.ts'
import { fateOf } from './fate.ts'

test.for<[code: ErrorCode, cause: string | undefined, wanted: string]>([
  ['KUBE_INVALID', undefined, 'refused'],
  ['KUBE_TOO_MANY_REQUESTS', undefined, 'refused'],
  ['KUBE_CONFLICT', undefined, 'conflict'],
  ['KUBE_ALREADY_EXISTS', undefined, 'conflict'],
  ['KUBE_UNREACHABLE', 'ECONNREFUSED', 'refused'],
  ['KUBE_UNREACHABLE', 'ECONNRESET', 'unknown'],
  ['KUBE_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'refused'],
  ['KUBE_TIMEOUT', undefined, 'unknown'],
  ['KUBE_SERVER_ERROR', undefined, 'unknown'],
])('%s caused by %s is %s', ([code, cause, wanted]) => {
  const error = new AppError(code, 'said', cause === undefined ? {} : { cause: Object.assign(new Error('x'), { code: cause }) })
  expect(fateOf(error)).toBe(wanted)
})
