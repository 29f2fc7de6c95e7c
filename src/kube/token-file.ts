import { readFile } from 'node:fs/promises'
import { AppError } from '../lib/errors.ts'

const recheckMs = 10_000 // the kubelet renews a token at 80 % of its life, at the earliest two minutes before its end

/** Gives the token in a file, reading it again at most every ten seconds. A read that fails keeps the last token. Throws CONFIG_INVALID without one. */
export const tokenFile = (path: string, now: () => number = Date.now): (() => Promise<string>) => {
  let token: string | undefined
  let checkedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<string> | undefined

  const read = async (): Promise<string> => {
    try {
      token = (await readFile(path, 'utf8')).trim() || token
    } catch (cause) {
      if (token === undefined) throw new AppError('CONFIG_INVALID', `cannot read the token file ${path}`, { cause })
    }
    if (!token) throw new AppError('CONFIG_INVALID', `the token file ${path} is empty`, {})
    checkedAt = now()
    return token
  }
  return () => {
    if (token !== undefined && now() - checkedAt < recheckMs) return Promise.resolve(token)
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}
