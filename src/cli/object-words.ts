import { AppError } from '../lib/errors.ts'
import type { ObjectWords } from './object-port.ts'

/** Reads `KIND/NAMESPACE/NAME` or `KIND/NAME`. Throws CONFIG_INVALID. */
export const objectWords = (text: string): ObjectWords => {
  const parts = text.split('/')
  const [kind = '', second = '', third] = parts
  if (parts.length > 3 || parts.length < 2 || parts.includes(''))
    throw new AppError(
      'CONFIG_INVALID',
      `${JSON.stringify(text)} names no object: KIND/NAMESPACE/NAME or KIND/NAME is needed`,
      {},
    )
  return third === undefined ? { kind, namespace: undefined, name: second } : { kind, namespace: second, name: third }
}

/** Paths cut to their first two fields, each once, in order: `spec.containers`. */
export const shortPaths = (paths: readonly string[]): readonly string[] => [
  ...new Set(paths.map((path) => (path.split('[', 1)[0] ?? '').split('.').slice(0, 2).join('.'))),
]
