import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { isolationRunLabel } from '../../tenancy/marks.ts'
import { type Bench, type Check, failed, passed, unknown, type Verdict } from '../check.ts'
import { answered } from '../refusal.ts'
import { within } from '../wait.ts'

const definition = ({ group, plural, kind, version }: ResourceType): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}`, labels: { [isolationRunLabel]: 'true' } },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List` },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { tenant: { type: 'string' } } } },
          },
        },
      },
    ],
  },
})

/** A kind of its own, of a name that any other tenant may use too: the super cluster never hears of it. */
const ownKinds = async ({ admin, superSide, namespace, signal, waitMs }: Bench): Promise<Verdict> => {
  const type: ResourceType = {
    group: `${namespace}.berth.example`,
    version: 'v1',
    plural: 'probes',
    kind: 'Probe',
    namespaced: true,
  }
  const name = `${type.plural}.${type.group}`
  const made = await answered(() => admin.create(resourceTypes.customResourceDefinitions, definition(type), { signal }), signal)
  if (made.kind !== 'taken') return failed(`the tenant cannot define a kind: ${made.message}`)
  try {
    const probe = {
      apiVersion: `${type.group}/v1`,
      kind: type.kind,
      metadata: { name: 'mine', namespace },
      spec: { tenant: 'mine' },
    }
    const kept = await within(
      async () => {
        const answer = await answered(() => admin.create(type, probe, { signal }), signal)
        return answer.kind === 'taken' ? admin.get(type, { name: 'mine', namespace }, { signal }) : undefined
      },
      { waitMs, signal },
    )
    if (kept?.spec?.tenant !== 'mine') return failed('the tenant defined a kind, and objects of it are not kept')
    if (!superSide) return unknown('it works in the tenant; where super is was not said: --super-kubeconfig')
    const seen = await superSide.client.get(resourceTypes.customResourceDefinitions, { name }, { signal })
    return seen
      ? failed(`the definition ${name} of the tenant reached super`)
      : passed('the tenant has a kind of its own, which super does not know', [{ layer: 'super', saw: `no definition ${name}` }])
  } finally {
    // Also after an abort, which is why the signal is not passed.
    await admin.delete(resourceTypes.customResourceDefinitions, { name }).catch(() => false)
  }
}

export const definitionChecks: readonly Check[] = [
  {
    id: 'MTB-PL3-BC-CPV-1',
    title: 'Create the same CRD as a different tenant',
    category: 'Control Plane Virtualization',
    origin: 'published',
    run: ownKinds,
  },
]
