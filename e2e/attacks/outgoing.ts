import { apply, superKubectl, world } from '../support/kubectl.ts'
import { service } from '../support/objects.ts'
import { waitFor } from '../support/wait.ts'
import type { Attack } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { said, type Written } from './ways.ts'

/** Address of super's API server, as super's own pods have it. */
export const superApiAddress = (): Promise<string> =>
  superKubectl(['get', 'service', 'kubernetes', '-n', 'default', '-o', 'jsonpath={.spec.clusterIP}'])
const evilService = (spec: object): Written => service(shop, 'evil', spec) as Written
const webhookTo = (name: string, clientConfig: (ground: Ground) => object | Promise<object>, refusal: RegExp): Attack => ({
  name,
  as: 'admin',
  attempt: async (ground) => {
    const { kubectl } = ground.attacker
    await apply(kubectl, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'evil' },
      webhooks: [
        {
          name: 'evil.example.com',
          clientConfig: await clientConfig(ground),
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['limitranges'] }],
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 3,
        },
      ],
    })
    try {
      return await said(
        waitFor('the webhook to count', async () => {
          const words = await said(
            kubectl(['create', '--dry-run=server', '-f', '-'], {
              input: JSON.stringify({
                apiVersion: 'v1',
                kind: 'LimitRange',
                metadata: { name: 'x', namespace: shop },
                spec: { limits: [] },
              }),
            }),
          )
          return /webhook/.test(words) ? words : undefined
        }),
      )
    } finally {
      await kubectl(['delete', 'validatingwebhookconfiguration', 'evil'])
    }
  },
  refusal,
})
// The API server dials, and nothing lets it: no answer of whoever is there may come back.
const notReached = /deadline exceeded|timeout|refused|no route|unreachable|no such host|no endpoints|not found/i

/** The tenant's API server sent to dial for its administrator: by webhooks, aggregated APIs and as a proxy. */
export const outgoing: readonly Attack[] = [
  webhookTo("a webhook at the cloud's metadata", () => ({ url: 'https://169.254.169.254/latest/meta-data' }), notReached),
  webhookTo('a webhook at a kubelet', () => ({ url: `https://${world().nodes[0]?.ip}:10250/pods` }), notReached),
  webhookTo("a webhook at super's API", async () => ({ url: `https://${await superApiAddress()}/api/v1/secrets` }), notReached),
  webhookTo(
    "a webhook at the neighbour's etcd",
    ({ neighbour }) => ({ url: `https://etcd.${neighbour.controlPlaneNamespace}.svc:2379/` }),
    notReached,
  ),
  webhookTo(
    "a webhook at the neighbour's API server",
    ({ neighbour }) => ({ url: `https://kube-apiserver.${neighbour.controlPlaneNamespace}.svc:443/api` }),
    notReached,
  ),
  webhookTo(
    'a webhook by a name that leads to loopback, as a rebound one does',
    () => ({ url: 'https://localhost.:2379/' }),
    /webhook.*(denied|forbidden|localhost|refused|certificate|deadline|no such host|unknown authority)/i,
  ),
  {
    name: "an aggregated API that is super's, by a name",
    as: 'admin',
    attempt: async ({ attacker: { kubectl } }) => {
      const group = 'evil.example.com'
      await apply(
        kubectl,
        evilService({ type: 'ExternalName', externalName: await superApiAddress(), selector: null, ports: [{ port: 443 }] }),
        {
          apiVersion: 'apiregistration.k8s.io/v1',
          kind: 'APIService',
          metadata: { name: `v1.${group}` },
          spec: {
            group,
            version: 'v1',
            groupPriorityMinimum: 1,
            versionPriority: 1,
            insecureSkipTLSVerify: true,
            service: { namespace: shop, name: 'evil' },
          },
        },
      )
      try {
        return await said(kubectl(['get', '--raw', `/apis/${group}/v1`], { timeoutMs: 60_000 }))
      } finally {
        await kubectl(['delete', 'apiservice', `v1.${group}`, '--wait=false'])
        await kubectl(['delete', 'service', 'evil', '-n', shop])
      }
    },
    refusal: /unavailable|unable to handle|not find|ServiceUnavailable|503|timeout|refused/i,
  },
  ...(
    [
      '/api/v1/namespaces/default/services/https:kubernetes:443/proxy/api',
      '/api/v1/namespaces/shop/pods/https:web:10250/proxy/pods',
      '/api/v1/nodes/127.0.0.1:2379/proxy/',
    ] as const
  ).map(
    (path): Attack => ({
      name: `the API server as a proxy: ${path}`,
      as: 'admin',
      attempt: ({ attacker: { kubectl } }) => said(kubectl(['get', '--raw', path], { timeoutMs: 60_000 })),
      refusal: /error|not found|forbidden|unavailable|unable|refused|Unauthorized|"versions"/i,
    }),
  ),
]
