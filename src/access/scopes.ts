/** What an API key may do. `write` of a noun has `read` of it in it. */
export const scopes = [
  'organizations:read',
  'organizations:write',
  'tenants:read',
  'tenants:write',
  'kubeconfigs:read',
  'kubeconfigs:write',
  'snapshots:read',
  'snapshots:write',
  'webhooks:read',
  'webhooks:write',
  'usage:read',
  'keys:read',
  'keys:write',
] as const

export type Scope = (typeof scopes)[number]

/** Organisations are made, changed and deleted by the platform: no key of an organisation may have these. */
export const platformScopes: readonly Scope[] = ['organizations:write']

export const isScope = (text: string): text is Scope => (scopes as readonly string[]).includes(text)

/** True when `held` has the scope, or the writing one of the same noun. */
export const hasScope = (held: readonly Scope[], wanted: Scope): boolean =>
  held.includes(wanted) || (wanted.endsWith(':read') && held.includes(wanted.replace(/:read$/, ':write') as Scope))

/** Those of `wanted` that `held` does not have: nobody gives away more than they hold. */
export const missingScopes = (held: readonly Scope[], wanted: readonly Scope[]): readonly Scope[] =>
  wanted.filter((scope) => !hasScope(held, scope))
