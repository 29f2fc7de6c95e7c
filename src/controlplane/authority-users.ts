/** One request of somebody with a client certificate, as the API server wrote it down. */
export interface Sighting {
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint: string
  readonly user: string
  readonly at: Date
}

/** What is known of the clients of a tenant while its authorities are rotated. All of it is bounded. */
export interface AuthorityUsers {
  /** Generation that issues: what is known of another rotation does not count. */
  readonly generation: number
  /** Everything that was written until then has been looked at. */
  readonly readUntil: Date
  /** Of certificates of the new authority. */
  readonly known: readonly string[]
  /** Whose certificate is not known to be of the new authority, the one seen last first. */
  readonly old: readonly Sighting[]
}

const maxLine = 16 * 1024
const maxUser = 100
const maxOld = 50
const maxKnown = 500
const credentialKey = 'authentication.kubernetes.io/credential-id'

interface AuditEvent {
  readonly kind?: unknown
  readonly stage?: unknown
  readonly stageTimestamp?: unknown
  readonly user?: { readonly username?: unknown; readonly extra?: Readonly<Record<string, unknown>> }
}

/** A tenant chooses names in certificates: only what cannot harm a terminal, a log or a page goes on. */
const harmless = (name: string): string => {
  const text = name.replace(/[^\x21-\x7e ]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return text.length > maxUser ? `${text.slice(0, maxUser)}...` : text
}

const sightingOf = (line: string): Sighting | undefined => {
  if (line.length > maxLine || !line.startsWith('{"kind":"Event"')) return undefined
  try {
    const { stage, stageTimestamp, user } = JSON.parse(line) as AuditEvent
    const credentials = user?.extra?.[credentialKey]
    const [credential] = Array.isArray(credentials) ? (credentials as unknown[]) : []
    const fingerprint = typeof credential === 'string' ? /^X509SHA256=([0-9a-f]{64})$/.exec(credential)?.[1] : undefined
    const at = new Date(typeof stageTimestamp === 'string' ? stageTimestamp : '')
    if (stage !== 'ResponseComplete' || fingerprint === undefined || Number.isNaN(at.getTime())) return undefined
    return { fingerprint, user: harmless(typeof user?.username === 'string' ? user.username : ''), at }
  } catch {
    return undefined
  }
}

/** What a log says, and how far it goes. */
export interface LogLook {
  readonly sightings: readonly Sighting[]
  /** Time of the last whole line. */
  readonly lastLine?: Date
}

/** Who came with a certificate, out of the log of an API server whose lines begin with their time. Lines that are no audit event are passed over. */
export const lookAtLog = (log: string): LogLook => {
  // What follows the last newline is cut off in the middle, or nothing.
  const lines = log.split('\n').slice(0, -1)
  const [time = ''] = lines.at(-1)?.split(' ', 1) ?? []
  const lastLine = new Date(time)
  return {
    sightings: lines.flatMap((line) => sightingOf(line.slice(line.indexOf(' ') + 1)) ?? []),
    ...(!Number.isNaN(lastLine.getTime()) && { lastLine }),
  }
}

/** What is known after a look: the newest of each certificate that is not of the new authority. */
export const afterLook = (
  before: AuthorityUsers,
  seen: {
    readonly sightings: readonly Sighting[]
    readonly known: readonly string[]
    readonly readUntil: Date
    readonly since: Date
  },
): AuthorityUsers => {
  const known = [...new Set([...seen.known, ...before.known])].slice(0, maxKnown)
  const newest = new Map<string, Sighting>()
  for (const sighting of [...before.old, ...seen.sightings]) {
    if (known.includes(sighting.fingerprint) || sighting.at < seen.since) continue
    const other = newest.get(sighting.fingerprint)
    if (!other || other.at < sighting.at) newest.set(sighting.fingerprint, sighting)
  }
  const old = [...newest.values()].sort((a, b) => b.at.getTime() - a.at.getTime()).slice(0, maxOld)
  return { generation: before.generation, readUntil: seen.readUntil, known, old }
}

const minute = (date: Date): string => `${date.toISOString().slice(0, 16)}Z`

/** `2 clients still use the old authority: alice (last seen 2026-06-01T10:00Z), ...`. Minutes: the text changes no more often. */
export const usersText = ({ old }: Pick<AuthorityUsers, 'old'>): string => {
  if (old.length === 0) return 'nobody was seen with the old authority'
  const names = old.slice(0, 5).map(({ user, at }) => `${user} (last seen ${minute(at)})`)
  const more = old.length > 5 ? ` and ${old.length - 5} more` : ''
  const count = old.length === maxOld ? `${maxOld} or more clients` : old.length === 1 ? '1 client' : `${old.length} clients`
  return `${count} still use${old.length === 1 ? 's' : ''} the old authority: ${names.join(', ')}${more}`
}

/** How stale what is stored may be: the logs are read again from there. */
const storeAgainMs = 120_000

/** True when what is known is to be stored: somebody is new, or what is stored has become old. */
export const isNews = (stored: AuthorityUsers, now: AuthorityUsers): boolean =>
  stored.generation !== now.generation ||
  now.readUntil.getTime() - stored.readUntil.getTime() > storeAgainMs ||
  now.known.join() !== stored.known.join() ||
  now.old
    .map(({ fingerprint }) => fingerprint)
    .sort()
    .join() !==
    stored.old
      .map(({ fingerprint }) => fingerprint)
      .sort()
      .join()

/** Data of the ConfigMap in which it is stored. */
export const usersData = ({ generation, readUntil, known, old }: AuthorityUsers): Record<string, string> => ({
  generation: String(generation),
  'read-until': readUntil.toISOString(),
  known: known.join('\n'),
  users: old.map(({ fingerprint, at, user }) => `${fingerprint} ${at.toISOString()} ${user}`).join('\n'),
})

/** Reads it; what cannot be read, or is of another rotation, is begun anew at `since`. */
export const usersOf = (data: Readonly<Record<string, string>> | undefined, generation: number, since: Date): AuthorityUsers => {
  const readUntil = new Date(data?.['read-until'] ?? '')
  if (data?.['generation'] !== String(generation) || Number.isNaN(readUntil.getTime()))
    return { generation, readUntil: since, known: [], old: [] }
  const old = (data['users'] ?? '').split('\n').flatMap((line): Sighting[] => {
    const [, fingerprint = '', time = '', user = ''] = /^([0-9a-f]{64}) (\S+) (.*)$/.exec(line) ?? []
    const at = new Date(time)
    return Number.isNaN(at.getTime()) ? [] : [{ fingerprint, at, user }]
  })
  return { generation, readUntil, known: (data['known'] ?? '').split('\n').filter(Boolean), old }
}
