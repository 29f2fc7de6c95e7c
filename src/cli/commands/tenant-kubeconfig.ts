import { chmod, writeFile } from 'node:fs/promises'
import { type AccessOptions, openAccess } from '../access.ts'
import { refuseByCluster, withApi } from '../by-api/open.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { readKubeconfig } from '../read-kubeconfig.ts'
import { readTenant } from './tenants.ts'

/** The administrator's kubeconfig of the tenant of this name. */
export const kubeconfigOf = async (name: string, options: AccessOptions, host: CliHost): Promise<string> => {
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const plane = await readTenant(client, { name, namespace }, host.signal)
    return await readKubeconfig(client, plane, host.signal)
  } finally {
    await client.close()
  }
}

/** One that the API makes; undefined: the management cluster is meant. `forSeconds`: as long as it lets, unless said. */
export const issuedKubeconfigOf = (name: string, forSeconds: number | undefined, options: AccessOptions, host: CliHost) =>
  withApi(options, host, async (access) =>
    (await import('../by-api/kubeconfig.ts')).issueKubeconfig(name, forSeconds, access, host),
  )

/** Prints it, or writes it to a file that only its owner can read. */
export const printKubeconfig = async (
  name: string,
  options: AccessOptions & { readonly out?: string /** Seconds. */; readonly expiresIn?: number },
  host: CliHost,
): Promise<ExitCode> => {
  const issued = await issuedKubeconfigOf(name, options.expiresIn, options, host)
  if (issued) host.stderr.write(`it ends at ${issued.expiresAt}\n`)
  if (!issued) refuseByCluster({ '--expires-in': options.expiresIn })
  const text = issued?.text ?? (await kubeconfigOf(name, options, host))
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
