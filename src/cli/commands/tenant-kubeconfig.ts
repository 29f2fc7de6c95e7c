import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { AppError } from '../../lib/errors.ts'
import { kubeconfigSecretName } from '../../tenancy/names.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { readTenant } from './tenants.ts'

/** The administrator's kubeconfig of a tenant, as the manager published it. */
const readKubeconfig = async (name: string, options: AccessOptions, host: CliHost): Promise<string> => {
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const plane = await readTenant(client, { name, namespace }, host.signal)
    const secretName = plane.status?.kubeconfigSecret ?? kubeconfigSecretName(name)
    const secret = await client.get<KubeObject>(resourceTypes.secrets, { name: secretName, namespace }, { signal: host.signal })
    const encoded: unknown = secret?.data?.value ?? secret?.data?.kubeconfig
    if (typeof encoded === 'string' && encoded !== '') return Buffer.from(encoded, 'base64').toString('utf8')
    throw new AppError(
      'TENANT_UNREACHABLE',
      `tenant ${name} has no kubeconfig yet; berth tenant get ${name} shows how far it is`,
      {},
    )
  } finally {
    await client.close()
  }
}

export const printKubeconfig = async (
  name: string,
  options: AccessOptions & { readonly out?: string },
  host: CliHost,
): Promise<ExitCode> => {
  const text = await readKubeconfig(name, options, host)
  if (options.out === undefined) {
    host.stdout.write(text)
  } else {
    await writeFile(options.out, text, { mode: 0o600 })
    // A file that was there before keeps its mode on writing.
    await chmod(options.out, 0o600)
    host.stderr.write(`written; use it with: export KUBECONFIG=${options.out}\n`)
  }
  return exitCodes.done
}

const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env })
    // The terminal sends Ctrl-C to the command as well: it decides, and its kubeconfig is removed after it.
    const wait = (): void => {}
    const pass = (): void => void child.kill('SIGTERM')
    const settle = (): void => {
      process.off('SIGINT', wait)
      process.off('SIGTERM', pass)
    }
    process.on('SIGINT', wait)
    process.on('SIGTERM', pass)
    child.once('error', (cause) => {
      settle()
      reject(new AppError('CONFIG_INVALID', `cannot run ${command}`, { cause }))
    })
    child.once('exit', (code, signal) => {
      settle()
      resolve(code ?? 128 + (signal ? (constants.signals[signal] ?? 0) : 0))
    })
  })

/** Runs a command (default: a shell) whose KUBECONFIG is the tenant's. Resolves with its exit code. */
export const connectTenant = async (
  name: string,
  [command, ...args]: readonly string[],
  options: AccessOptions,
  host: CliHost,
): Promise<number> => {
  const text = await readKubeconfig(name, options, host)
  const folder = await mkdtemp(join(tmpdir(), 'berth-connect-'))
  try {
    const path = join(folder, 'kubeconfig')
    await writeFile(path, text, { mode: 0o600 })
    return await run(command ?? host.env['SHELL'] ?? '/bin/sh', args, { ...host.env, KUBECONFIG: path, BERTH_TENANT: name })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
