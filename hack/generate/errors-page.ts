import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { AppError, type ErrorCode, errorCodes, type RetryPolicy } from '../../src/lib/errors.ts'
import { errorMeanings } from './error-meanings.ts'

const retryTexts: Readonly<Record<RetryPolicy, string>> = {
  soon: 'at once',
  backoff: 'with a growing pause',
  never: 'after a change',
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

/** The reference page of error codes. */
export const errorsPage = (notice: string): string => {
  const rows = (Object.keys(errorCodes) as ErrorCode[]).map((code) => {
    const { http, retry } = errorCodes[code]
    const [means, todo] = errorMeanings[code]
    const exit = exitCodeOf(new AppError(code, ''))
    return `| \`${code}\` | ${http} | ${exit} | ${retryTexts[retry]} | ${cell(means)} | ${cell(todo)} |`
  })
  return `<!-- ${notice} -->
# Errors

Every failure of Berth has one of these codes: in logs and events as \`code\`, in answers of the [HTTP API](../how-to/api.md) as the \`code\` of a problem (RFC 9457). The message beside it says what
happened, to what, and what to do; it has no secrets. HTTP is the status of the API's answer; exit is how [\`berth\`](cli.md#exit-codes) ends, unless its command says it more closely; again is when a
controller tries once more. Codes stay what they are: programs may go by them.

What begins with \`KUBE_\` is an answer of an API server, of management, super or a tenant; the message names which. The HTTP API does not tell its callers about those of management: it answers
\`MANAGEMENT_UNAVAILABLE\`, \`STATE_CONFLICT\` or \`SPEC_REFUSED\` instead, and logs the rest under the id of the request.

| Code | HTTP | Exit | Again | Means | What to do |
|---|---|---|---|---|---|
${rows.join('\n')}
`
}
