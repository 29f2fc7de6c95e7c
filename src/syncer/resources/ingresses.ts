import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { superConfigName } from '../../tenancy/names.ts'
import { hostsOf } from '../ingress-hosts.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import { defineResource, type ObjectDependency, type SyncContext, type TenantWrite, type Translation } from '../resource.ts'
import { foreignHost, type HostWords, takenHost } from './host-refusals.ts'
import { annotationFate } from './ingress-annotations.ts'
import { mergePatch } from './merge-patch.ts'

interface Backend {
  service?: { name: string; port?: { name?: string; number?: number } }
  resource?: object
}

interface Rule {
  host?: string
  http?: { paths?: { backend: Backend; path?: string; pathType: string }[] }
}

interface Ingress extends KubeObject {
  spec: {
    defaultBackend?: Backend
    ingressClassName?: string
    rules?: Rule[]
    tls?: { hosts?: string[]; secretName?: string }[]
  }
  status?: { loadBalancer?: unknown }
}

/** Every field of an IngressSpec in the Kubernetes versions served. */
export const ingressFields: FieldTable = {
  defaultBackend: 'pass',
  ingressClassName: 'translate',
  rules: 'pass',
  tls: 'translate',
}

/** Every field of a backend. */
export const ingressBackendFields: FieldTable = {
  resource: { refuse: 'only Services can be backends here' },
  service: 'pass',
}

const classAnnotation = 'kubernetes.io/ingress.class'

/** The class, also where an old manifest says it in an annotation. */
const classOf = ({ metadata, spec }: Ingress, { classes }: SyncContext): string | undefined =>
  spec.ingressClassName ?? metadata.annotations?.[classAnnotation] ?? classes.defaultOf('IngressClass')

const refused = (reason: string, message: string): Translation => ({ kind: 'refused', reason, message })

const classRefusal = (ingress: Ingress, ctx: SyncContext): Translation | undefined => {
  const name = classOf(ingress, ctx)
  if (name === undefined) {
    return refused(
      'IngressClassNeeded',
      'spec.ingressClassName: no class is the default here, so no controller serves this Ingress',
    )
  }
  return ctx.classes.allows('IngressClass', name)
    ? undefined
    : refused('IngressClassNotAllowed', `spec.ingressClassName: class ${name} is not offered here`)
}

const annotationRefusal = ({ metadata }: Ingress, { policy }: SyncContext): Translation | undefined => {
  const [key] =
    Object.entries(metadata.annotations ?? {}).find(
      ([name, value]) => name !== classAnnotation && annotationFate(name, value, policy.ingressAnnotations) === 'refuse',
    ) ?? []
  return key === undefined
    ? undefined
    : refused(
        'IngressAnnotationNotAllowed',
        `metadata.annotations[${key}]: neither this annotation with any value nor this value of it is allowed here; ask the operator for it or leave it out`,
      )
}

const backends = ({ spec }: Ingress): readonly (readonly [where: string, backend: Backend])[] => [
  ...(spec.defaultBackend ? [['spec.defaultBackend', spec.defaultBackend] as const] : []),
  ...(spec.rules ?? []).flatMap(({ http }, rule) =>
    (http?.paths ?? []).map(({ backend }, path) => [`spec.rules[${rule}].http.paths[${path}].backend`, backend] as const),
  ),
]

const words: HostWords = { key: resourceTypes.ingresses.plural, reason: 'Ingress', catchAll: 'a rule without host' }

const fieldRefusal = (ingress: Ingress): Translation | undefined => {
  const field = refusedField(ingress.spec, ingressFields)
  if (field) return refused('FieldNotSupported', `spec.${field.field}: ${field.why}`)
  for (const [where, backend] of backends(ingress)) {
    const unknown = refusedField(backend, ingressBackendFields)
    if (unknown) return refused('FieldNotSupported', `${where}.${unknown.field}: ${unknown.why}`)
  }
  return undefined
}

/** Characters that end or open something in the configuration of a proxy, which paths are pasted into (CVE-2021-25745). */
export const unsafePath = /[\s{};"'`\\]/

const pathRefusal = ({ spec }: Ingress): Translation | undefined => {
  const paths = (spec.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ path = '' }) => path))
  const unsafe = paths.find((path) => unsafePath.test(path))
  return unsafe === undefined
    ? undefined
    : refused(
        'IngressPathNotAllowed',
        `path ${JSON.stringify(unsafe)}: white space, quotes, braces, semicolons and backslashes are not allowed here`,
      )
}

const secretNames = ({ spec }: Ingress): readonly string[] => [
  ...new Set((spec.tls ?? []).flatMap(({ secretName }) => (secretName ? [secretName] : []))),
]

const passingAnnotations = ({ metadata }: Ingress, { policy }: SyncContext): Record<string, string> =>
  Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(
      ([key, value]) => key !== classAnnotation && annotationFate(key, value, policy.ingressAnnotations) === 'pass',
    ),
  )

const toTenant = (superIngress: Ingress, tenantIngress: Ingress): readonly TenantWrite[] => {
  const loadBalancer = mergePatch(tenantIngress.status?.loadBalancer ?? {}, superIngress.status?.loadBalancer ?? {})
  return loadBalancer === undefined ? [] : [{ kind: 'status', status: { loadBalancer } }]
}

/** Ingresses: served by super's controllers, with a class that the tenant may use. Services keep their names; Secrets with certificates go down with them. */
export const ingresses = defineResource<Ingress>({
  type: resourceTypes.ingresses,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  exact: true,
  toSuper: (ingress, ctx) => {
    const { spec } = ingress
    const refusal =
      fieldRefusal(ingress) ??
      classRefusal(ingress, ctx) ??
      foreignHost(hostsOf(spec), words, ctx) ??
      takenHost(hostsOf(spec), words, { claimant: ingress, ctx }) ??
      pathRefusal(ingress) ??
      annotationRefusal(ingress, ctx)
    return (
      refusal ?? {
        kind: 'object',
        body: {
          labels: {},
          annotations: passingAnnotations(ingress, ctx),
          fields: {
            spec: {
              ...passingFields(spec, ingressFields),
              ingressClassName: ctx.classes.superName('IngressClass', classOf(ingress, ctx) ?? ''),
              ...(spec.tls && {
                tls: spec.tls.map(({ secretName, ...tls }) => ({
                  ...tls,
                  ...(secretName && { secretName: superConfigName(secretName) }),
                })),
              }),
            },
          },
        },
      }
    )
  },
  toTenant,
  dependencies: (ingress): readonly ObjectDependency[] => secretNames(ingress).map((name) => ({ resource: 'secrets', name })),
})
