/** A Secret as the API gives it. */
export interface SecretObject {
  readonly metadata: { readonly namespace?: string; readonly name: string }
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>
}

/** Where a text was found, in words, and the text. */
export interface Said {
  readonly place: string
  readonly text: string
}

/** A piece of a secret value, long enough that nobody writes it by chance, and where the value lies. */
export interface Treasure {
  readonly owner: string
  readonly piece: string
}

/** Shorter values are words: `true`, a port, the name of a user. */
const shortest = 16
const pieceLength = 48

/** Part of a text from its middle: the ends of keys and certificates look like others'. */
const middle = (text: string): string =>
  text.length <= pieceLength ? text : text.slice(Math.floor((text.length - pieceLength) / 2)).slice(0, pieceLength)

const privateKeys = /-----BEGIN [A-Z ]*PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/g
/** Lines of a kubeconfig, or of a file like it, that hold a credential. */
const credentialLines = /(?:client-key-data|token|password|secret(?:[-_]?(?:access)?[-_]?key)?)"?\s*[:=]\s*"?([^\s"',}]{16,})/gi
/** A password in a URL, and what webhooks are signed with. */
const credentialWords = /\/\/[^:/@\s]*:([^@\s/]{12,})@|(whsec_[\w+/=-]{16,})/g
/** Files that go with a key, and what an endpoint of webhooks or an API key says of itself. */
const isPublic =
  /^(?:ca|.*ca)?\.?(?:crt|pem|pub)$|\.(?:crt|pub)$|^(?:ca|server|namespace|username|endpoint|url|events|description|reason|state|id|accessKeyId|AWS_ACCESS_KEY_ID)$/
/** One word: a token, a password, a key in base64. What has spaces and lines is a file, of which only the parts above are secret. */
const isWord = /^[\x21-\x7e]+$/

/** What of one value must not be said: the value itself and its base64, in pieces. */
const treasuresOf = (value: string, name: string): readonly string[] => {
  // Without the line breaks, which a log has as `\n`: a key is known by one of its lines.
  const keys = [...value.matchAll(privateKeys)].map(([, body = '']) =>
    middle(
      (
        body
          .trim()
          .split(/\s+/)
          .toSorted((a, b) => b.length - a.length)[0] ?? ''
      ).trim(),
    ),
  )
  const found = [...value.matchAll(credentialLines), ...value.matchAll(credentialWords)]
  const credentials = found.map(([, one, other]) => middle(one ?? other ?? ''))
  const whole = keys.length === 0 && credentials.length === 0 && isWord.test(value) && !isPublic.test(name) ? [middle(value)] : []
  return [...keys, ...credentials, ...whole]
}

/** All that may not be said anywhere, of these Secrets. */
export const treasures = (secrets: readonly SecretObject[]): readonly Treasure[] =>
  secrets.flatMap(({ metadata, data = {} }) =>
    Object.entries(data).flatMap(([key, encoded]) => {
      const pieces = treasuresOf(Buffer.from(encoded, 'base64').toString('latin1'), key)
      // As the Secret has it too: that is how it would look in a dump of the object.
      const all = pieces.length > 0 ? [...pieces, middle(encoded)] : []
      const owner = `${metadata.namespace ?? ''}/${metadata.name}[${key}]`
      return all.filter((piece) => piece.length >= shortest).map((piece) => ({ owner, piece }))
    }),
  )

/** Each place that says something that it must not, and whose that is; never the value. */
export const leaks = (guarded: readonly Treasure[], said: readonly Said[]): readonly string[] => [
  ...new Set(
    said.flatMap(({ place, text }) =>
      guarded.filter(({ piece }) => text.includes(piece)).map(({ owner }) => `${place} says a value of Secret ${owner}`),
    ),
  ),
]
