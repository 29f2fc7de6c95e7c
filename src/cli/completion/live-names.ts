import { readFile } from 'node:fs/promises'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { controlPlaneSizes, kubernetesVersions, tenantStates } from '../../apis/tenant-control-plane.ts'
import type { KubeClient, ListOptions } from '../../kube/client.ts'
import { type AccessOptions, contextNames, kubeconfigPath, openAccess } from '../access.ts'
import { withApi } from '../by-api/open.ts'
import type { CliHost } from '../host.ts'
import type { Candidate } from './candidates.ts'

interface Said {
  readonly options: Readonly<Record<string, string>>
  readonly given: Readonly<Record<string, string>>
}

const accessOf = ({ options }: Said): AccessOptions => ({
  ...(options['kubeconfig'] !== undefined && { kubeconfig: options['kubeconfig'] }),
  ...(options['context'] !== undefined && { context: options['context'] }),
  ...(options['namespace'] !== undefined && { namespace: options['namespace'] }),
  ...(options['api'] !== undefined && { api: options['api'] }),
  ...(options['key'] !== undefined && { key: options['key'] }),
  ...(options['key-file'] !== undefined && { keyFile: options['key-file'] }),
  ...(options['organization'] !== undefined && { organization: options['organization'] }),
})

const namesOf = (objects: readonly KubeObject[]): readonly Candidate[] =>
  objects.flatMap(({ metadata: { name } }) => (name === undefined ? [] : [{ word: name }]))

/** More than anybody reads through in a terminal. */
const mostNames = 500

const listed = async (
  type: ResourceType,
  said: Said,
  { env, signal }: CliHost,
  options: ListOptions = { metadataOnly: true },
): Promise<readonly KubeObject[]> => {
  const { client, namespace } = await openAccess(accessOf(said), env)
  const ask = (of: KubeClient) => of.list(type, { ...(type.namespaced && { namespace }), limit: mostNames, ...options, signal })
  try {
    return (await ask(client)).items
  } finally {
    await client.close()
  }
}

/** As the API lists them, where it is what the command asks. */
const tenantsByApi = (said: Said, host: CliHost): Promise<readonly Candidate[] | undefined> =>
  withApi(accessOf(said), host, async ({ berth, organization }) => {
    const { body } = await berth.listTenants({ org: organization, limit: mostNames }, { signal: host.signal })
    return body.items.map(({ name }) => ({ word: name }))
  })

/** Snapshots of the tenant that was named before, if one was. */
const snapshots = async (said: Said, host: CliHost): Promise<readonly Candidate[]> => {
  const items = (await listed(resourceTypes.controlPlaneSnapshots, said, host, {})) as readonly ControlPlaneSnapshot[]
  const { tenant } = said.given
  return items
    .filter(({ spec }) => tenant === undefined || spec.tenantName === tenant)
    .map(({ metadata, spec, status }) => ({
      word: metadata.name ?? '',
      about: `of ${spec.tenantName}, ${status?.phase ?? 'Pending'}`,
    }))
}

/** Kinds that most explanations are asked of. */
const objectKinds = [
  'pods/',
  'services/',
  'persistentvolumeclaims/',
  'configmaps/',
  'secrets/',
  'ingresses/',
  'networkpolicies/',
  'namespaces/',
  'nodes/',
]

const words = (of: readonly string[]): readonly Candidate[] => of.map((word) => ({ word }))

/** What stands under each name in the usage of a command, as it is at this moment. */
const sources: Readonly<Record<string, (said: Said, host: CliHost) => Promise<readonly Candidate[]>>> = {
  tenant: async (said, host) =>
    (await tenantsByApi(said, host)) ?? namesOf(await listed(resourceTypes.tenantControlPlanes, said, host)),
  class: async (said, host) => namesOf(await listed(resourceTypes.tenantClasses, said, host)),
  namespace: async (said, host) => namesOf(await listed(resourceTypes.namespaces, said, host)),
  snapshot: snapshots,
  context: async (said, { env }) => {
    const path = kubeconfigPath(accessOf(said), env)
    return path === undefined ? [] : words(contextNames(await readFile(path, 'utf8')))
  },
  version: async () => words(kubernetesVersions),
  size: async () => words(controlPlaneSizes),
  state: async () => words(tenantStates),
  object: async () => words(objectKinds),
  check: async () =>
    (await import('../../isolation/checks/index.ts')).checks.map(({ id, title }) => ({ word: id, about: title })),
}

/** Candidates for a value of this name in the usage: none for what nobody can know. */
export const liveNames = async (of: string, said: Said, host: CliHost): Promise<readonly Candidate[]> =>
  (await sources[of]?.(said, host)) ?? []
