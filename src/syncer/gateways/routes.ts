import type { z } from 'zod'
import type { KubeObject } from '../../apis/kube-object.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { claimedHosts } from '../host-claims.ts'
import type { SyncContext, Translation } from '../resource.ts'
import type { CustomRules } from '../resources/custom-rules.ts'
import { foreignHost, type HostWords, takenHost } from '../resources/host-refusals.ts'
import { grpcRoutesKey, httpRoutesKey } from './kinds.ts'
import { grpcRouteSpec, httpRouteSpec, type RouteBackend, type RouteFilter, type RouteSpec } from './route-spec.ts'
import { readSpec } from './shape.ts'

const refused = (reason: string, message: string): Translation => ({ kind: 'refused', reason, message })

/** Namespaces of the Gateways that a route names, its own included. An object that nobody has read yet may have any shape. */
const parentNamespaces = ({ metadata: { namespace = '' }, spec }: KubeObject): readonly string[] => {
  const parents: unknown = spec?.parentRefs
  const named = Array.isArray(parents) ? parents.map((parent: { readonly namespace?: unknown } | null) => parent?.namespace) : []
  return [...new Set([namespace, ...named.filter((each) => typeof each === 'string')])]
}

/** Super's own policies ask of each whether it is the tenant's, and one question is what they may ask. */
const parentRefusal = (route: KubeObject): Translation | undefined => {
  const others = parentNamespaces(route).slice(1)
  return others.length > 1
    ? refused(
        'TooManyNamespaces',
        `spec.parentRefs: Gateways of its own namespace and of one other can be named here, not of ${others.join(', ')}; make a second route`,
      )
    : undefined
}

type Ref = Pick<RouteBackend, 'namespace' | 'name'>

const filterRefs = (where: string, filters: readonly RouteFilter[] = []): readonly (readonly [where: string, ref: Ref])[] =>
  filters.flatMap(({ requestMirror }, index) =>
    requestMirror ? [[`${where}.filters[${index}].requestMirror.backendRef`, requestMirror.backendRef] as const] : [],
  )

/** Every Service that a route names, and where. */
const backendsOf = ({ rules = [] }: RouteSpec): readonly (readonly [where: string, ref: Ref])[] =>
  rules.flatMap(({ filters, backendRefs = [] }, index) => {
    const rule = `spec.rules[${index}]`
    const backends = backendRefs.flatMap((ref, at) => {
      const where = `${rule}.backendRefs[${at}]`
      return [[where, ref] as const, ...filterRefs(where, ref.filters)]
    })
    return [...filterRefs(rule, filters), ...backends]
  })

const backendRefusal = (spec: RouteSpec, own: string): Translation | undefined => {
  const [where, ref] = backendsOf(spec).find(([, { namespace = own }]) => namespace !== own) ?? []
  return where === undefined
    ? undefined
    : refused(
        'OtherNamespaceNotSupported',
        `${where}.namespace: ${ref?.namespace} is another namespace, and ReferenceGrants do not go down; make the route there`,
      )
}

const ownRef = <T extends Ref>({ namespace: _own, ...ref }: T): Omit<T, 'namespace'> => ref

const superFilters = (filters: readonly RouteFilter[]) =>
  filters.map(({ requestMirror, ...filter }) => ({
    ...filter,
    ...(requestMirror && { requestMirror: { ...requestMirror, backendRef: ownRef(requestMirror.backendRef) } }),
  }))

/** Services keep their names. What is of the route's own namespace goes down without saying so. */
const superSpec = ({ parentRefs, rules, ...spec }: RouteSpec, own: string, { tenant }: SyncContext) => ({
  ...spec,
  ...(parentRefs && {
    parentRefs: parentRefs.map(({ namespace = own, ...parent }) => ({
      ...parent,
      ...(namespace !== own && { namespace: superNamespace(tenant, namespace) }),
    })),
  }),
  ...(rules && {
    rules: rules.map(({ filters, backendRefs, ...rule }) => ({
      ...rule,
      ...(filters && { filters: superFilters(filters) }),
      ...(backendRefs && {
        backendRefs: backendRefs.map((ref) => ({ ...ownRef(ref), ...(ref.filters && { filters: superFilters(ref.filters) }) })),
      }),
    })),
  }),
})

/** Each namespace of super that the tenant may hear of in a route's status, with its own name for it. */
const namesOf = (route: KubeObject, { tenant }: SyncContext): readonly (readonly [superName: string, tenantName: string])[] =>
  parentNamespaces(route).map((namespace) => [superNamespace(tenant, namespace), namespace])

interface ParentStatus {
  readonly parentRef?: { readonly namespace?: string }
}

/** What Gateways say of a route, each by the name that the tenant knows it by; nothing of one that the route does not name. */
const seenParents = (parents: unknown, names: ReadonlyMap<string, string>): unknown =>
  Array.isArray(parents)
    ? parents.flatMap((parent: ParentStatus) => {
        const { namespace } = parent.parentRef ?? {}
        if (namespace === undefined) return [parent]
        const known = names.get(namespace)
        return known === undefined ? [] : [{ ...parent, parentRef: { ...parent.parentRef, namespace: known } }]
      })
    : parents

/**
 * Routes: they hang at Gateways of the tenant, and lead to Services of their own namespace. Hosts are claimed as rules of Ingresses do. Labels and annotations
 * stay in the tenant.
 */
const routeRules = (key: string, schema: z.ZodType<RouteSpec>): CustomRules => {
  const words: HostWords = { key, reason: 'Route', catchAll: 'a route without hostnames' }
  return {
    statusFields: ['parents'],
    toSuper: (route, ctx) => {
      const read = readSpec(schema, route.spec)
      if (read.kind === 'refused') return read
      const { namespace = '' } = route.metadata
      const hosts = claimedHosts(key, route)
      const refusal =
        parentRefusal(route) ??
        backendRefusal(read.spec, namespace) ??
        foreignHost(hosts, words, ctx) ??
        takenHost(hosts, words, { claimant: route, ctx })
      return (
        refusal ?? {
          kind: 'object',
          body: { labels: {}, annotations: {}, fields: { spec: superSpec(read.spec, namespace, ctx) } },
        }
      )
    },
    names: namesOf,
    status: (status, route, ctx) => ({
      ...status,
      ...(status['parents'] !== undefined && { parents: seenParents(status['parents'], new Map(namesOf(route, ctx))) }),
    }),
  }
}

export const httpRouteRules = routeRules(httpRoutesKey, httpRouteSpec)
export const grpcRouteRules = routeRules(grpcRoutesKey, grpcRouteSpec)
