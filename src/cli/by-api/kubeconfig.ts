import { explainError } from '../../lib/errors.ts'
import type { CliHost } from '../host.ts'
import type { ApiAccess } from './open.ts'

/** As long as the API gives one. */
const longestSeconds = 86_400

export interface IssuedKubeconfig {
  readonly text: string
  readonly expiresAt: string
  /** Takes it back at once. What fails is told on stderr: it ends by itself. */
  readonly revoke: () => Promise<void>
}

/** A kubeconfig of a tenant's administrator, made for this call: the API has none that does not end. */
export const issueKubeconfig = async (
  name: string,
  expiresInSeconds: number | undefined,
  { berth, organization }: ApiAccess,
  { signal, stderr }: Pick<CliHost, 'signal' | 'stderr'>,
): Promise<IssuedKubeconfig> => {
  const place = { org: organization, tenant: name }
  const body = { name: 'berth', role: 'admin', expiresInSeconds: expiresInSeconds ?? longestSeconds } as const
  const { body: made } = await berth.createKubeconfig({ ...place, body }, { signal })
  return {
    text: made.kubeconfig,
    expiresAt: made.expiresAt,
    revoke: async () => {
      // The command was perhaps ended by a signal: its kubeconfig is to end all the same.
      await berth.revokeKubeconfig({ ...place, kubeconfig: made.id }, { timeoutMs: 10_000 }).catch((error: unknown) => {
        stderr.write(`the kubeconfig could not be revoked, and ends at ${made.expiresAt}: ${explainError(error)}\n`)
      })
    },
  }
}
