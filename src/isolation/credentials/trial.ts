import type { KubeConnection } from '../../kube/client.ts'
import { explainError } from '../../lib/errors.ts'
import type { Bench } from '../check.ts'

/** Where an API server is, without who comes. */
export type Place = Pick<KubeConnection, 'server' | 'ca' | 'tlsServerName'>

export const placeOf = ({ server, ca, tlsServerName }: Place): Place => ({
  server,
  ...(ca !== undefined && { ca }),
  ...(tlsServerName !== undefined && { tlsServerName }),
})

/** Reads what every authenticated user may read. HTTP status, or why there is none. */
export const statusOf = async (
  connection: KubeConnection,
  { connect, signal }: Pick<Bench, 'connect' | 'signal'>,
): Promise<number | string> => {
  const client = connect(connection)
  try {
    return (await client.raw('/apis/authorization.k8s.io/v1', { signal })).status
  } catch (error) {
    signal.throwIfAborted()
    return explainError(error)
  } finally {
    await client.close()
  }
}
