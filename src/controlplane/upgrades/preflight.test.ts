import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { calleesOf, deprecatedAPIsIn, removedAPIFindings, unreachableFindings } from './preflight.ts'

const metrics = `# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested
# TYPE apiserver_requested_deprecated_apis gauge
apiserver_requested_deprecated_apis{group="networking.k8s.io",removed_release="1.37",resource="ipaddresses",subresource="",version="v1beta1"} 1
apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"} 1
apiserver_requested_deprecated_apis{group="resource.k8s.io",removed_release="1.38",resource="resourceclaims",subresource="status",version="v1beta1"} 1
apiserver_requested_deprecated_apis{group="resource.k8s.io",removed_release="1.38",resource="resourceclaims",subresource="",version="v1beta1"} 1
apiserver_request_total{group="apps",removed_release="1.36"} 7
`

describe('APIs that are gone', () => {
  test.each([
    ['v1.37.1', [/ipaddresses of networking\.k8s\.io\/v1beta1/]],
    ['v1.38.0', [/ipaddresses/, /resourceclaims of resource\.k8s\.io\/v1beta1/]],
    ['v1.36.3', []],
  ])('with %s', (to, expected) => {
    const findings = removedAPIFindings(deprecatedAPIsIn(metrics), to)
    expect(findings).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(findings[index]).toMatch(pattern)
  })

  test('of an API server that says nothing', () => {
    expect(deprecatedAPIsIn('')).toEqual([])
  })
})

const configuration = (webhooks: readonly object[]): KubeObject => ({
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'guard' },
  webhooks,
})
const service = { namespace: 'ops', name: 'guard', path: '/x' }
const slice = (ready?: boolean): KubeObject =>
  ({
    metadata: { namespace: 'ops', name: 'guard-1', labels: { 'kubernetes.io/service-name': 'guard' } },
    endpoints: [{ addresses: ['10.0.0.1'], conditions: ready === undefined ? {} : { ready } }],
  }) as unknown as KubeObject

describe('what is asked and does not answer', () => {
  test.each([
    ['a Service without an endpoint', [{ name: 'a', clientConfig: { service } }], [], 1],
    ['a Service whose pods are not ready', [{ name: 'a', clientConfig: { service } }], [slice(false)], 1],
    ['a Service that answers', [{ name: 'a', clientConfig: { service } }], [slice(true)], 0],
    ['one that says nothing of readiness, which means ready', [{ name: 'a', clientConfig: { service } }], [slice()], 0],
    ['one whose failure is ignored', [{ name: 'a', failurePolicy: 'Ignore', clientConfig: { service } }], [], 0],
    ["one at a URL, which is the tenant's to choose", [{ name: 'a', clientConfig: { url: 'https://a' } }], [], 0],
    ['no webhook at all', [], [], 0],
  ])('%s', (_, webhooks, slices, count) => {
    const callees = calleesOf({ webhookConfigurations: [configuration(webhooks)], definitions: [] })
    const findings = unreachableFindings(callees, slices)
    expect(findings).toHaveLength(count)
    if (count > 0) expect(findings[0]).toMatch(/ValidatingWebhookConfiguration guard, webhook a asks Service ops\/guard/)
  })

  test('a conversion', () => {
    const definition = {
      metadata: { name: 'things.example.com' },
      spec: { conversion: { strategy: 'Webhook', webhook: { clientConfig: { service } } } },
    } as unknown as KubeObject
    const callees = calleesOf({ webhookConfigurations: [], definitions: [definition] })
    expect(unreachableFindings(callees, [])[0]).toMatch(/conversion of CustomResourceDefinition things\.example\.com/)
    expect(unreachableFindings(callees, [slice(true)])).toEqual([])
  })
})
