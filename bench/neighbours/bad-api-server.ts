import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubeObject } from '../../src/apis/kube-object.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { kubeconfigText } from '../../src/testing/api-server.ts'
import { createTestPki } from '../../src/testing/test-pki.ts'
import { until } from '../namespaces.ts'

export type BadServerKind = 'hung' | 'garbage'

const startMs = 15_000
const secretName = 'syncer-kubeconfig'

const told = async <T>(child: ChildProcess): Promise<T> => {
  const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(startMs) })) as [T]
  return message
}

const ask = async (child: ChildProcess): Promise<number> => {
  const answer = told<{ asked: number }>(child)
  child.send('how many')
  return (await answer).asked
}

/**
 * Puts another server in the place of one tenant's API server, as the syncer sees it, while `work` runs. The manager has to be off: it would put the right
 * one back. Throws when the syncer did not come.
 * @param address is one of this machine's that pods of super reach.
 * @returns what `work` does, and how often the server was asked.
 */
export const withBadApiServer = async <T>(
  kind: BadServerKind,
  {
    superClient,
    controlPlaneNamespace: namespace,
    address,
  }: { readonly superClient: KubeClient; readonly controlPlaneNamespace: string; readonly address: string },
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly asked: number }> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  const ref = { name: secretName, namespace }
  const put = (value: string) => superClient.patch(resourceTypes.secrets, ref, { data: { value } }, { type: 'merge' })
  const secret = await superClient.get<KubeObject>(resourceTypes.secrets, ref)
  const honest = secret?.data?.value
  if (typeof honest !== 'string') throw new Error(`Secret ${namespace}/${secretName} has no kubeconfig`)
  let child: ChildProcess | undefined
  try {
    const pki = await createTestPki(folder)
    const server = fork(join(import.meta.dirname, 'bad-server.ts'), [folder, address, kind], { stdio: 'inherit' })
    child = server
    const { url } = await told<{ url: string }>(server)
    const connection = { server: url, ca: pki.ca, tlsServerName: 'localhost', ...(await pki.client('berth-syncer')) }
    await put(Buffer.from(kubeconfigText(connection)).toString('base64'))
    await until(`the syncer at the ${kind} server`, 30_000, async () => (await ask(server)) > 0)
    const result = await work()
    return { result, asked: await ask(server) }
  } finally {
    await put(honest)
    if (child?.connected) child.disconnect()
    await rm(folder, { recursive: true, force: true })
  }
}
