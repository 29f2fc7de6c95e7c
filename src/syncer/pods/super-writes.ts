import type { SuperWrite, SyncContext } from '../resource.ts'
import { sameJson } from '../resources/merge-patch.ts'
import { gateTypes } from './conditions.ts'
import { ephemeralContainerFields } from './container-fields.ts'
import { demandsOn } from './demands.ts'
import { superContainer } from './env.ts'
import { knownFields } from './fields.ts'
import { hardenedContainer, withinRules } from './hardening.ts'
import type { V1Container, V1PodCondition } from './json-types.ts'
import type { AnyContainer, Pod } from './pod.ts'

/** What the tenant is told of debug containers that go down with less than they asked for. */
const lessNote = (debuggers: readonly { readonly container: AnyContainer; readonly left: readonly string[] }[]) => {
  const left = debuggers.flatMap(({ container, left: asked }) => asked.map((what) => [container.name, what] as const))
  if (left.length === 0) return undefined
  const added = 'capabilities.add: '
  if (left.every(([, what]) => what.startsWith(added))) {
    const list = left.map(([name, what]) => `${name}: ${what.slice(added.length)}`).join(', ')
    const message = `debug containers go without capabilities that are not allowed here (${list}); the platform's operator allows them by isolation.podSecurity and isolation.pods.capabilities`
    return { reason: 'CapabilitiesNotAllowed', message }
  }
  const list = left.map(([name, what]) => `${name}: ${what}`).join(', ')
  const message = `debug containers go without what is not allowed here (${list}); the platform's operator allows it by isolation.podSecurity and isolation.pods`
  return { reason: 'DebugContainerLimited', message }
}

/** Debug containers that super has not got yet. The API only ever adds to them. */
const debugContainers = (superPod: Pod, tenantPod: Pod, ctx: SyncContext): readonly SuperWrite[] => {
  const present = new Set(superPod.spec.ephemeralContainers?.map(({ name }) => name))
  const demands = demandsOn(tenantPod.spec, ctx.isolation)
  const debuggers = (tenantPod.spec.ephemeralContainers ?? [])
    .filter(({ name }) => !present.has(name))
    // What nobody has thought about does not go down; the pod runs already, so it is too late to refuse it.
    .map((container) => superContainer(knownFields(container, ephemeralContainerFields.fields), tenantPod, ctx))
    .map((container) => withinRules(container, demands))
  if (debuggers.length === 0) return []
  const patch = { spec: { ephemeralContainers: debuggers.map(({ container }) => hardenedContainer(container, demands)) } }
  const note = lessNote(debuggers)
  return [{ subresource: 'ephemeralcontainers', patch, ...(note && { note }) }]
}

const sameCondition = (a: V1PodCondition, b: V1PodCondition | undefined): boolean =>
  b !== undefined && sameJson([a.status, a.reason, a.message], [b.status, b.reason, b.message])

/** Conditions of readiness gates, which controllers in the tenant set: super's kubelet counts them for Ready. */
const gateConditions = (superPod: Pod, tenantPod: Pod): readonly SuperWrite[] => {
  const gates = gateTypes(tenantPod)
  const conditions = (tenantPod.status?.conditions ?? [])
    .filter(({ type }) => gates.has(type))
    .filter(
      (condition) =>
        !sameCondition(
          condition,
          superPod.status?.conditions?.find(({ type }) => type === condition.type),
        ),
    )
    // Generations are counted anew on each side.
    .map(({ observedGeneration: _generation, ...condition }) => condition)
  return conditions.length > 0 ? [{ subresource: 'status', patch: { status: { conditions } } }] : []
}

type Sized = Pick<V1Container, 'name' | 'resources' | 'restartPolicy'>

type Amounts = Readonly<Record<string, string>> | undefined

const changedAmounts = (live: Amounts, wanted: Amounts): Record<string, string> =>
  Object.fromEntries(Object.entries(wanted ?? {}).filter(([resource, amount]) => live?.[resource] !== amount))

type Resources = Sized['resources']

/** What differs from the live size. What super's admission added to it is no difference. */
const changedSize = (live: Resources, wanted: Resources): Resources => {
  const requests = changedAmounts(live?.requests, wanted?.requests)
  const limits = changedAmounts(live?.limits, wanted?.limits)
  if (Object.keys(requests).length + Object.keys(limits).length === 0) return undefined
  return { ...(Object.keys(requests).length > 0 && { requests }), ...(Object.keys(limits).length > 0 && { limits }) }
}

/** Containers whose size the tenant changed in place (KEP-1287). */
const resized = (live: readonly Sized[] | undefined, wanted: readonly Sized[] | undefined): readonly Sized[] =>
  (wanted ?? []).flatMap(({ name, resources }) => {
    const present = live?.find((container) => container.name === name)
    const changes = present && changedSize(present.resources, resources)
    return changes ? [{ name, resources: changes }] : []
  })

const sizes = (superPod: Pod, tenantPod: Pod): readonly SuperWrite[] => {
  const containers = resized(superPod.spec.containers, tenantPod.spec.containers)
  // Of init containers only those that keep running can be resized.
  const sidecars = tenantPod.spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const initContainers = resized(superPod.spec.initContainers, sidecars)
  // The pod as a whole (KEP-5419).
  const resources = changedSize(superPod.spec.resources, tenantPod.spec.resources)
  if (containers.length + initContainers.length === 0 && !resources) return []
  const spec = {
    ...(resources && { resources }),
    ...(containers.length > 0 && { containers }),
    ...(initContainers.length > 0 && { initContainers }),
  }
  return [{ subresource: 'resize', patch: { spec } }]
}

/** What goes down to a running pod through subresources: debug containers, conditions of readiness gates, sizes. */
export const podSuperWrites = (superPod: Pod, tenantPod: Pod, ctx: SyncContext): readonly SuperWrite[] =>
  superPod.metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed'].includes(superPod.status?.phase ?? '')
    ? []
    : [...debugContainers(superPod, tenantPod, ctx), ...gateConditions(superPod, tenantPod), ...sizes(superPod, tenantPod)]
