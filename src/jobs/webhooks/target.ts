import { isIP } from 'node:net'
import { AppError, explainError } from '../../lib/errors.ts'
import { type AddressRules, refusedAddress } from './address-rules.ts'

export interface TargetRules extends AddressRules {
  /** Plain HTTP is for tests and closed networks: anybody on the way reads and changes it. */
  readonly allowHttp: boolean
}

/** One address, checked: the connection goes there and nowhere else, whatever the name means a moment later. */
export interface Target {
  readonly url: URL
  readonly address: string
}

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly string[]>

const refused = (message: string): AppError => new AppError('WEBHOOK_REFUSED', message)

/** A URL that webhooks may go to, as far as it says so itself. Throws WEBHOOK_REFUSED; the text is not repeated, as it may hold a secret. */
export const checkedUrl = (text: string, { allowHttp }: Pick<TargetRules, 'allowHttp'>): URL => {
  if (text.length > 2048 || !URL.canParse(text)) throw refused('the URL of the webhook is none')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
    throw refused(allowHttp ? 'the URL of a webhook has to be https or http' : 'the URL of a webhook has to be https')
  if (url.username !== '' || url.password !== '') throw refused('the URL of a webhook has to be without user and password')
  if (url.port === '0') throw refused('the URL of a webhook has to have a port from 1 to 65535')
  return url
}

/** The name of a URL without the brackets of IPv6. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/** A URL as far as it can be judged before anything is sent: its name is resolved then. Throws WEBHOOK_REFUSED. */
export const checkedTarget = (text: string, rules: TargetRules): URL => {
  const url = checkedUrl(text, rules)
  const host = hostOf(url)
  if (isIP(host)) refuseAddress(host, host, rules)
  return url
}

const refuseAddress = (host: string, address: string, rules: AddressRules): void => {
  const reason = refusedAddress(address, rules)
  if (reason !== undefined) throw refused(`webhooks do not go to ${host}: its address ${reason}; an operator can allow the range`)
}

/**
 * Resolves a name once and chooses the address. One refused address among several refuses them all: whoever answers for the name would choose the moment at which it
 * is taken. Throws WEBHOOK_REFUSED; WEBHOOK_FAILED when the name is not known now.
 */
export const resolveTarget = async (url: URL, rules: AddressRules, resolve: Resolve): Promise<Target> => {
  const host = hostOf(url)
  const addresses = isIP(host) ? [host] : await resolved(host, resolve)
  for (const address of addresses) refuseAddress(host, address, rules)
  const [address] = addresses
  if (address === undefined) throw new AppError('WEBHOOK_FAILED', `${host} has no address`)
  return { url, address }
}

const resolved = async (host: string, resolve: Resolve): Promise<readonly string[]> => {
  try {
    return await resolve(host)
  } catch (error) {
    throw new AppError('WEBHOOK_FAILED', `${host} cannot be resolved: ${explainError(error)}`)
  }
}
