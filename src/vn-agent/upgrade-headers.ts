/** Headers of an upgrade that go on to super, or why they do not. */
export type UpgradeHeaders =
  | { readonly kind: 'headers'; readonly protocol: string; readonly headers: readonly string[] }
  | { readonly kind: 'refused'; readonly status: 400; readonly message: string }

const refused = (message: string): UpgradeHeaders => ({ kind: 'refused', status: 400, message })

/**
 * What goes on, name and value as they came. All else stays here: a list of what to hold back would have to know every header by which some
 * API server, or a proxy before it, takes somebody's word for who he is (Authorization, Impersonate-*, X-Remote-*, Cookie, X-Forwarded-*).
 */
const passedOn = /^(?:accept|user-agent|x-stream-protocol-version|sec-websocket-(?:key|version|protocol|extensions))$/i

// A WebSocket client may carry a bearer token as a subprotocol; super would then act for whoever it names.
const tokenProtocol = /base64url\.bearer\.authorization\.k8s\.io/i

const pairsOf = (rawHeaders: readonly string[]): (readonly [name: string, value: string])[] =>
  Array.from({ length: Math.floor(rawHeaders.length / 2) }, (_, at) => [rawHeaders[2 * at] ?? '', rawHeaders[2 * at + 1] ?? ''])

/** Checks an upgrade request's raw headers and picks those for super, in their order; Host, Authorization and identity are added by the caller. */
export const upgradeHeaders = (rawHeaders: readonly string[]): UpgradeHeaders => {
  const pairs = pairsOf(rawHeaders)
  const valuesOf = (wanted: string): string[] =>
    pairs.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value.trim())

  const [protocol = '', ...moreProtocols] = valuesOf('upgrade')
  if (moreProtocols.length > 0 || !/^(?:spdy\/3\.1|websocket)$/i.test(protocol)) {
    return refused('upgrade to SPDY/3.1 or websocket required')
  }
  const connection = valuesOf('connection').flatMap((value) => value.split(',').map((token) => token.trim().toLowerCase()))
  if (!connection.includes('upgrade')) return refused('upgrade required')
  const lengths = valuesOf('content-length')
  if (valuesOf('transfer-encoding').length > 0 || lengths.length > 1 || lengths.some((length) => length !== '0')) {
    return refused('an upgrade request has no body')
  }
  if (valuesOf('sec-websocket-protocol').some((value) => tokenProtocol.test(value))) {
    return refused('tokens are not accepted as a subprotocol')
  }
  const headers = pairs.filter(([name]) => passedOn.test(name)).flat()
  return { kind: 'headers', protocol, headers: [...headers, 'Connection', 'Upgrade', 'Upgrade', protocol, 'Content-Length', '0'] }
}
