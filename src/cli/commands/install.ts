import { readFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { AppError } from '../../lib/errors.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { applyInstall, type Change } from '../install/apply.ts'
import type { Side } from '../install/holder.ts'
import { objectsOf } from '../install/manifests.ts'
import { waitUntilServing } from '../install/rollout.ts'
import { type GivenValues, type InstallValues, imageOf, installValues, mergeValues, parseValues } from '../install/values.ts'

export interface InstallOptions extends Omit<AccessOptions, 'namespace'> {
  readonly values?: readonly string[]
  readonly side?: Side
  readonly image?: string
  readonly registry?: string
  readonly dryRun?: boolean
  /** Seconds; 0: it is not waited for. */
  readonly timeout: number
}

const readValues = async (file: string, { stdin }: Pick<CliHost, 'stdin'>): Promise<unknown> => {
  if (file === '-') {
    const parts: string[] = []
    for await (const part of stdin) parts.push(String(part))
    return parseValues(parts.join(''), 'standard input')
  }
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AppError('CONFIG_INVALID', `cannot read ${file}`, { cause })
  })
  return parseValues(text, file)
}

/** Files in their order, flags over them. Throws CONFIG_INVALID. */
const valuesOf = async ({ values = [], side, image, registry }: InstallOptions, host: CliHost): Promise<InstallValues> => {
  let given: unknown = {}
  for (const file of values) {
    const read = await readValues(file, host)
    // For its own faults, said with its name.
    installValues(read, file)
    given = mergeValues(given, read ?? {})
  }
  const flags: GivenValues = {
    ...(side !== undefined && { side }),
    // A tag or digest of a file belongs to the image of that file.
    ...(image !== undefined && { image: { digest: '', ...imageOf(image) } }),
    ...(registry !== undefined && { manager: { flags: { 'image-registry': registry } } }),
  }
  return installValues(mergeValues(given, flags), 'flags and files')
}

/** `3 created, 1 changed`, of what there is. */
export const changesText = (changes: readonly Change[]): string =>
  (['created', 'changed', 'unchanged', 'removed'] as const)
    .map((kind) => ({ kind, count: changes.filter(({ change }) => change === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`)
    .join(', ')

/** `berth install`. */
export const install = async (options: InstallOptions, host: CliHost): Promise<ExitCode> => {
  const values = await valuesOf(options, host)
  const objects = await objectsOf(values)
  if (options.dryRun) {
    host.stdout.write(
      objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' })).join('---\n'),
    )
    return exitCodes.done
  }
  const { client } = await openAccess(options, host.env)
  try {
    const changes: Change[] = []
    await applyInstall(client, {
      objects,
      side: values.side,
      signal: host.signal,
      tell: (change) => {
        changes.push(change)
        if (change.change !== 'unchanged') host.stdout.write(`${change.id} ${change.change}\n`)
      },
    })
    host.stdout.write(`Berth (${values.side}) on ${client.server}: ${changesText(changes)}\n`)
    if (options.timeout === 0) return exitCodes.done
    await waitUntilServing(client, objects, {
      timeoutMs: options.timeout * 1000,
      signal: host.signal,
      tell: (line) => void host.stderr.write(`${line}\n`),
    })
    host.stdout.write('Berth serves\n')
    return exitCodes.done
  } finally {
    await client.close()
  }
}
