import { chmod, writeFile } from 'node:fs/promises'
import { type AccessOptions, openAccess } from '../access.ts'
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

/** Prints it, or writes it to a file that only its owner can read. */
export const printKubeconfig = async (
  name: string,
  options: AccessOptions & { readonly out?: string },
  host: CliHost,
): Promise<ExitCode> => {
  const text = await kubeconfigOf(name, options, host)
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
