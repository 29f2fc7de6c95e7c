import { superNamespace } from '../../src/tenancy/names.ts'
import { apply, getJson, superKubectl, type Thing } from '../support/kubectl.ts'
import { idle, pod, shell } from '../support/objects.ts'
import type { Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait.ts'
import { shop } from './ground.ts'

export interface Written {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

const placeOf = ({ metadata: { namespace } }: Written): string[] => (namespace ? ['-n', namespace] : [])
const typeOf = ({ apiVersion, kind }: Written): string => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return group ? `${kind}.${version}.${group}` : kind
}
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What kubectl said: its output, or why it failed. */
export const said = (attempt: Promise<string>): Promise<string> => attempt.catch(wordsOf)

/** Deletes an object of a tenant and waits for its end, half a minute at most: a finalizer may hold it. */
export const remove = async ({ kubectl }: Tenant, object: Written): Promise<void> => {
  const args = [
    'delete',
    typeOf(object),
    object.metadata.name,
    ...placeOf(object),
    '--ignore-not-found',
    '--timeout=30s',
    '--now',
  ]
  await said(kubectl(args, { timeoutMs: 40_000 }))
}

/** The object as super has it, whatever it is called there by the tenant; undefined: there is none. */
export const below = async (tenant: Tenant, { kind, metadata }: Written): Promise<Thing | undefined> => {
  const found = await superKubectl([
    'get',
    kind,
    metadata.name,
    '-n',
    superNamespace(tenant, metadata.namespace ?? shop),
    '--ignore-not-found',
    '-o',
    'json',
  ])
  return found.trim() === '' ? undefined : (JSON.parse(found) as Thing)
}

/** What the Warnings of this very object say, not those of one that had its name before. */
const warnings = async ({ kubectl }: Tenant, { metadata: { namespace = 'default' } }: Written, uid: string): Promise<string> => {
  const line = 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}'
  const fields = `involvedObject.uid=${uid},type=Warning`
  return (await kubectl(['get', 'events', '-n', namespace, '--field-selector', fields, '-o', line])).trim()
}

/** Writes an object as the tenant's administrator; its UID, or why the tenant's API server did not take it. */
const write = async (tenant: Tenant, object: Written): Promise<{ readonly uid: string } | { readonly words: string }> => {
  try {
    await apply(tenant.kubectl, object)
  } catch (error) {
    return { words: `at admission: ${wordsOf(error)}` }
  }
  return { uid: await fieldOf(tenant, [typeOf(object), object.metadata.name, ...placeOf(object)], '.metadata.uid') }
}

/** What came of an object: super has it, or these words were said of it. */
const outcome = async (tenant: Tenant, object: Written, uid: string): Promise<Thing | string | undefined> =>
  (await below(tenant, object)) ?? ((await warnings(tenant, object, uid)) || undefined)

/**
 * Writes an object as the tenant's administrator and returns the words of whoever refused it: the tenant's own API server at once, or an Event of the syncer or of
 * super. Throws when super has the object, or when nobody said anything within half a minute.
 */
export const refusedObject = async (tenant: Tenant, object: Written): Promise<string> => {
  try {
    const written = await write(tenant, object)
    if ('words' in written) return written.words
    const what = `${object.kind} ${object.metadata.name}`
    const came = await waitFor(`${what} to be refused`, () => outcome(tenant, object, written.uid), { deadlineMs: 30_000 })
    if (typeof came !== 'string' || (await below(tenant, object))) throw new Error(`${what} went down to super`)
    return came
  } finally {
    await remove(tenant, object)
  }
}

/** Writes an object as the tenant's administrator and hands on what super has of it, as JSON; the words of who refused it when it was refused. */
export const loweredObject = async (tenant: Tenant, object: Written, read: (superObject: Thing) => unknown): Promise<string> => {
  try {
    const written = await write(tenant, object)
    if ('words' in written) return written.words
    const came = await waitFor(`${object.kind} ${object.metadata.name} in super`, () => outcome(tenant, object, written.uid))
    return typeof came === 'string' ? came : JSON.stringify(read(came))
  } finally {
    await remove(tenant, object)
  }
}

/**
 * Waits until what the tenant wrote before has been seen by the syncer, of whatever kind it was: a pod written now goes down, runs, and what super tells of it
 * comes up again.
 */
export const wholeRound = async (tenant: Tenant, name: string): Promise<void> => {
  const object = pod(shop, name, shell(idle)) as Written
  try {
    await apply(tenant.kubectl, object)
    const fields = `involvedObject.name=${name},reason=Started`
    await waitFor(`an Event of super on ${name}`, () =>
      tenant.kubectl(['get', 'events', '-n', shop, '--field-selector', fields, '-o', 'name']),
    )
  } finally {
    await remove(tenant, object)
  }
}

/** What a shell in the attacker's pod `box` prints, with its exit code last. A command that hangs is cut off after ten seconds. */
export const inBox = async ({ kubectl }: Tenant, script: string): Promise<string> => {
  const wrapped = `(timeout 10 sh -c "$1") 2>&1; echo "exit $?"`
  return said(kubectl(['exec', 'box', '-n', shop, '--', 'sh', '-c', wrapped, 'sh', script], { timeoutMs: 40_000 }))
}

/** A field of an object of the tenant's. */
export const fieldOf = async (tenant: Tenant, args: readonly string[], path: string): Promise<string> =>
  tenant.kubectl(['get', ...args, '-o', `jsonpath={${path}}`])

/** One that was written a moment ago and is looked at until `check` holds; what was seen last otherwise. */
export const settled = async (tenant: Tenant, args: readonly string[], check: (object: Thing) => boolean): Promise<Thing> =>
  waitFor(
    `${args.join(' ')} to be put right`,
    async () => {
      const object = await getJson(tenant.kubectl, args)
      return check(object) ? object : undefined
    },
    { deadlineMs: 30_000 },
  )
