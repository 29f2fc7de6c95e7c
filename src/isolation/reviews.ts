import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'

const selfReviews: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
}

/** What is to be done, as RBAC names it. */
export interface Act {
  readonly verb: string
  readonly group: string
  /** `pods`, `pods/exec`. */
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
}

const attributesOf = ({ resource, ...rest }: Act): object => {
  const [plural, subresource] = resource.split('/')
  return { ...rest, resource: plural, ...(subresource !== undefined && { subresource }) }
}

interface Asked {
  readonly client: KubeClient
  readonly signal: AbortSignal
}

/** True when who asks may do it. */
export const mayI = async (act: Act, { client, signal }: Asked): Promise<boolean> => {
  const body = { metadata: {}, spec: { resourceAttributes: attributesOf(act) } }
  const { status } = await client.create<KubeObject>(selfReviews, body, { signal })
  return status?.allowed === true
}

export const actText = ({ verb, group, resource, namespace, name }: Act): string =>
  `${verb} ${resource}${group && `.${group}`}${name === undefined ? '' : ` ${name}`}${namespace === undefined ? '' : ` in ${namespace}`}`

/** How many questions are open at once: an API server takes such in its stride. */
const atOnce = 8

/** Those of the acts for which the answer is `wanted`. */
export const actsWhere = async (
  acts: readonly Act[],
  wanted: boolean,
  ask: (act: Act) => Promise<boolean>,
): Promise<readonly Act[]> => {
  const found: Act[] = []
  const left = acts.values()
  const work = async (): Promise<void> => {
    for (const act of left) if ((await ask(act)) === wanted) found.push(act)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return found
}

const groupList = z.object({
  groups: z.array(z.object({ name: z.string(), preferredVersion: z.object({ groupVersion: z.string() }) })),
})
const resourceList = z.object({
  resources: z.array(
    z.object({ name: z.string(), namespaced: z.boolean(), kind: z.string(), verbs: z.array(z.string()).default([]) }),
  ),
})

export interface Discovery {
  readonly types: readonly (ResourceType & { readonly verbs: readonly string[] })[]
  /** Groups whose API server did not answer: what they hold is not known. */
  readonly silent: readonly string[]
}

/** All kinds of an API server, without subresources. A group that does not answer is told, and does not end it. */
export const discover = async ({ client, signal }: Asked): Promise<Discovery> => {
  const { body } = await client.raw('/apis', { signal })
  const { groups } = groupList.parse(JSON.parse(body))
  const places = [
    { group: '', version: 'v1', path: '/api/v1' },
    ...groups.map(({ name, preferredVersion: { groupVersion } }) => ({
      group: name,
      version: groupVersion.split('/')[1] ?? '',
      path: `/apis/${groupVersion}`,
    })),
  ]
  const found = await Promise.all(
    places.map(async ({ group, version, path }) => {
      const answer = await client.raw(path, { signal })
      if (answer.status !== 200) return { silent: [path], types: [] }
      const { resources } = resourceList.parse(JSON.parse(answer.body))
      const types = resources
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, namespaced, kind, verbs }) => ({ group, version, plural: name, kind, namespaced, verbs }))
      return { silent: [], types }
    }),
  )
  return { types: found.flatMap(({ types }) => types), silent: found.flatMap(({ silent }) => silent) }
}
