import type { KubeObject } from '../../apis/kube-object.ts'
import { minorOf } from './version-in-force.ts'

/** An API that somebody has asked for and that a coming Kubernetes does not serve. */
export interface DeprecatedAPI {
  readonly group: string
  readonly version: string
  readonly resource: string
  /** For example 1.37; empty when no one knows. */
  readonly removedRelease: string
}

const label = (text: string, name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(text)?.[1] ?? ''

/**
 * What an API server was asked for since it started that is deprecated, from its own metrics (KEP-1693, `apiserver_requested_deprecated_apis`; a gauge of
 * one for each API and subresource).
 */
export const deprecatedAPIsIn = (metrics: string): readonly DeprecatedAPI[] =>
  [...metrics.matchAll(/^apiserver_requested_deprecated_apis\{([^}\n]*)\}/gm)].map(([, labels = '']) => ({
    group: label(labels, 'group'),
    version: label(labels, 'version'),
    resource: label(labels, 'resource'),
    removedRelease: label(labels, 'removed_release'),
  }))

const nameOf = ({ group, version, resource }: DeprecatedAPI): string =>
  `${resource} of ${group === '' ? version : `${group}/${version}`}`

/** What is in use and gone with the version that an upgrade leads to. */
export const removedAPIFindings = (used: readonly DeprecatedAPI[], to: string): readonly string[] => {
  const gone = used.filter(({ removedRelease }) => removedRelease !== '' && minorOf(removedRelease) <= minorOf(to))
  return [...new Set(gone.map(nameOf))].map(
    (name) =>
      `somebody has asked for ${name} since the API server started, which ${to} does not serve: move them to a newer version, then restart the API server or set spec.upgrade.skipChecks to ["RemovedAPIs"]`,
  )
}

interface ServiceReference {
  readonly namespace?: string
  readonly name?: string
}

/** One thing that the API server calls and without whose answer it refuses requests. */
export interface Callee {
  /** For people: `ValidatingWebhookConfiguration guard, webhook deny.example.com`. */
  readonly what: string
  readonly service: ServiceReference
}

interface Hook {
  readonly name?: string
  readonly failurePolicy?: string
  readonly clientConfig?: { readonly service?: ServiceReference }
}

/** Services that admission or conversion asks, where no answer is a refusal. Those at a URL of their own are not looked at: the tenant chose the address. */
export const calleesOf = (objects: {
  readonly webhookConfigurations: readonly KubeObject[]
  readonly definitions: readonly KubeObject[]
}): readonly Callee[] => [
  ...objects.webhookConfigurations.flatMap(({ kind, metadata, webhooks }) =>
    ((webhooks ?? []) as readonly Hook[]).flatMap(({ name, failurePolicy, clientConfig }): Callee[] =>
      failurePolicy === 'Ignore' || !clientConfig?.service
        ? []
        : [{ what: `${kind} ${metadata.name}, webhook ${name}`, service: clientConfig.service }],
    ),
  ),
  ...objects.definitions.flatMap(({ metadata, spec }): Callee[] => {
    const service = spec?.conversion?.webhook?.clientConfig?.service as ServiceReference | undefined
    return spec?.conversion?.strategy === 'Webhook' && service
      ? [{ what: `conversion of CustomResourceDefinition ${metadata.name}`, service }]
      : []
  }),
]

interface Endpoints {
  readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[]
}

/** True for a slice that has somebody to answer: what says nothing of its readiness is ready (discovery/v1). */
export const hasReadyEndpoint = (slice: KubeObject): boolean =>
  ((slice as Endpoints).endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)

/** What is asked and has nobody to answer: an upgrade would fail at it, or leave the tenant with it. */
export const unreachableFindings = (callees: readonly Callee[], endpointSlices: readonly KubeObject[]): readonly string[] => {
  const answering = new Set(
    endpointSlices
      .filter(hasReadyEndpoint)
      .map(({ metadata }) => `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`),
  )
  return callees
    .filter(({ service }) => !answering.has(`${service.namespace}/${service.name}`))
    .map(
      ({ what, service }) =>
        `${what} asks Service ${service.namespace}/${service.name}, which has no ready endpoint, and refuses requests without it: bring it back, or delete its configuration`,
    )
}
