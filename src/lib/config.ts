import { parseArgs } from 'node:util'
import { z } from 'zod'
import { AppError } from './errors.ts'

/** One setting of a process: where it comes from, what it may be, what it is for. Its default, if any, is the schema's. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  /** Name of the environment variable. */
  readonly env?: string
  /** Name of the flag, without dashes; wins over the environment. Never for secrets: arguments are public on a machine. */
  readonly flag?: string
  /** Takes a string (or nothing) in. */
  readonly schema: S
  readonly help: string
  /** The default in words, where the schema's is of this one process. */
  readonly fallback?: string
}
export type Settings = Readonly<Record<string, Setting>>

export type ConfigOf<S extends Settings> = { readonly [K in keyof S]: z.output<S[K]['schema']> }

/** What a door got: a configuration to start with, or a text to print and exit with 0. */
export type ConfigResult<S extends Settings> =
  | { readonly kind: 'config'; readonly config: ConfigOf<S> }
  | { readonly kind: 'help'; readonly text: string }

export interface ConfigInput {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Schemas for what arrives as text. */
export const text = {
  port: () => z.coerce.number('a port from 0 to 65535 is needed').int().min(0).max(65535),
  count: () => z.coerce.number('a whole number from 1 on is needed').int().min(1),
  flag: () => z.enum(['true', 'false']).transform((value) => value === 'true'),
  /** Separated by commas. */
  cidrs: () =>
    z
      .string()
      .default('')
      .transform((value) =>
        value
          .split(',')
          .map((each) => each.trim())
          .filter(Boolean),
      )
      .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()]))),
  level: () => z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
}

/** Settings that every process has. */
export const commonSettings = {
  logLevel: {
    env: 'BERTH_LOG_LEVEL',
    flag: 'log-level',
    schema: text.level().default('info'),
    help: 'trace, debug, info, warn, error or fatal',
  },
  kubeconfig: {
    env: 'KUBECONFIG',
    flag: 'kubeconfig',
    schema: z.string().min(1).optional(),
    help: 'kubeconfig file; without one the service account of the pod is used',
  },
  serviceHost: {
    env: 'KUBERNETES_SERVICE_HOST',
    schema: z.string().min(1).optional(),
    help: 'API server of the cluster a pod runs in',
  },
  servicePort: { env: 'KUBERNETES_SERVICE_PORT', schema: z.string().default('443'), help: 'its port' },
} as const satisfies Settings

/**
 * Reads a process's settings from flags and environment, flags first; an empty value counts as none. The result is frozen.
 * Throws CONFIG_INVALID with every fault at once, naming flags and variables but no values.
 */
export const readConfig = <const S extends Settings>(name: string, settings: S, { argv, env }: ConfigInput): ConfigResult<S> => {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = { help: { type: 'boolean', short: 'h' } }
  for (const { flag } of Object.values(settings)) if (flag !== undefined) options[flag] = { type: 'string' }
  let flags: Record<string, unknown>
  try {
    flags = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values
  } catch (cause) {
    throw new AppError(
      'CONFIG_INVALID',
      `${cause instanceof Error ? cause.message : 'bad arguments'}; ${name} --help lists the flags`,
      { cause },
    )
  }
  if (flags['help']) return { kind: 'help', text: helpText(name, settings) }

  const config: Record<string, unknown> = {}
  const faults: string[] = []
  for (const [key, { env: variable, flag, schema }] of Object.entries(settings)) {
    const given =
      (flag === undefined ? undefined : flags[flag]) || (variable === undefined ? undefined : env[variable]) || undefined
    const parsed = schema.safeParse(given)
    if (parsed.success) config[key] = parsed.data
    else faults.push(`${placesOf({ env: variable, flag })}: ${parsed.error.issues.map(({ message }) => message).join(', ')}`)
  }
  if (faults.length > 0) throw new AppError('CONFIG_INVALID', faults.join('; '), {})
  return { kind: 'config', config: Object.freeze(config) as ConfigOf<S> }
}

const placesOf = ({ env, flag }: { env?: string | undefined; flag?: string | undefined }): string =>
  [flag === undefined ? [] : `--${flag}`, env ?? []].flat().join(' or ')

/** What a setting is when nobody says, as text; undefined when it has no default. */
export const defaultOf = ({ schema, fallback }: Setting): string | undefined => {
  if (fallback !== undefined) return fallback
  const parsed = schema.safeParse(undefined)
  return parsed.success && parsed.data !== undefined ? JSON.stringify(parsed.data) : undefined
}

/** True when a process does not start without it. */
export const isRequired = ({ schema }: Setting): boolean => !schema.safeParse(undefined).success

const helpText = (name: string, settings: Settings): string => {
  const rows = Object.values(settings).map((setting) => {
    const fallback = defaultOf(setting)
    return [placesOf(setting), `${setting.help}${fallback === undefined ? '' : ` (default ${fallback})`}`] as const
  })
  const width = Math.max(...rows.map(([places]) => places.length))
  return [`Usage: ${name} [flags]`, '', ...rows.map(([places, help]) => `  ${places.padEnd(width)}  ${help}`), ''].join('\n')
}

/** A door's first step: the configuration, or the end of the process after `--help` (exit code 0) or a bad setting (2). */
export const configOrExit = <const S extends Settings>(
  name: string,
  settings: S,
  host: Pick<NodeJS.Process, 'argv' | 'env' | 'exit'>,
): ConfigOf<S> => {
  try {
    const result = readConfig(name, settings, { argv: host.argv.slice(2), env: host.env })
    if (result.kind === 'config') return result.config
    process.stdout.write(result.text)
    return host.exit(0)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    return host.exit(2)
  }
}
