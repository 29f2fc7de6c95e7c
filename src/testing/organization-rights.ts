import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { type KubeObject, objectKey } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { eventually } from './eventually.ts'

const folder = join(import.meta.dirname, '../../manifests/options/api')
const typeOfKind = new Map<string, ResourceType>(Object.values(resourceTypes).map((type) => [type.kind, type]))

/** Gives the accounts of the API and of the worker the rights of their manifests, and waits until the policy is in force. The client is of the API's account. */
export const grantOrganizationRights = async (kube: KubeClient): Promise<KubeClient> => {
  for (const file of ['rights.yaml', 'worker-rights.yaml']) {
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const object = document.toJS() as KubeObject
      const type = typeOfKind.get(object.kind ?? '')
      if (!type) throw new Error(`no type for ${object.kind} ${objectKey(object)}`)
      await kube.create(type, object)
    }
  }
  const own = kube.as('system:serviceaccount:berth-system:berth-api')
  // Policies are heeded a moment after they were made.
  await eventually(
    () =>
      own.create(resourceTypes.namespaces, { metadata: { name: 'probe' } }, { dryRun: true }).then(
        () => false,
        (error: unknown) => error instanceof Error && error.message.includes('makes namespaces of organisations only'),
      ),
    { describe: 'the policy to be in force', deadlineMs: 30_000 },
  )
  return own
}
