import { apply, superKubectl } from '../support/kubectl.ts'
import { service } from '../support/objects.ts'
import { waitFor } from '../support/wait.ts'
import { nodeBesideApiServer, notReached, withWebhook } from './asked-webhook.ts'
import type { Attack } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { said, type Written } from './ways.ts'

/** Address of super's API server, as super's own pods have it. */
export const superApiAddress = (): Promise<string> =>
  superKubectl(['get', 'service', 'kubernetes', '-n', 'default', '-o', 'jsonpath={.spec.clusterIP}'])
const evilService = (spec: object): Written => service(shop, 'evil', spec) as Written
const webhookTo = (name: string, label: string, url: (ground: Ground) => string | Promise<string>): Attack => ({
  name,
  as: 'admin',
  attempt: async (ground) => withWebhook(ground, label, { url: await url(ground) }, (ask) => ask()),
  refusal: notReached,
})

/** The tenant's API server sent to dial for its administrator: by webhooks, aggregated APIs and as a proxy. */
export const outgoing: readonly Attack[] = [
  webhookTo("a webhook at the cloud's metadata", 'metadata', () => 'https://169.254.169.254/latest/meta-data'),
  webhookTo('a webhook at a kubelet', 'kubelet', async (ground) => `https://${await nodeBesideApiServer(ground)}:10250/pods`),
  webhookTo("a webhook at super's API", 'super-api', async () => `https://${await superApiAddress()}/api/v1/secrets`),
  webhookTo(
    "a webhook at the neighbour's etcd",
    'etcd',
    ({ neighbour }) => `https://etcd.${neighbour.controlPlaneNamespace}.svc:2379/`,
  ),
  webhookTo(
    "a webhook at the neighbour's API server",
    'api-server',
    ({ neighbour }) => `https://kube-apiserver.${neighbour.controlPlaneNamespace}.svc:443/api`,
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
        // Until the API server has heard of it, there is no such group.
        return await waitFor('the aggregated API to count', async () => {
          const words = await said(kubectl(['get', '--raw', `/apis/${group}/v1`], { timeoutMs: 60_000 }))
          return words.includes('(NotFound)') ? undefined : words
        })
      } finally {
        await kubectl(['delete', 'apiservice', `v1.${group}`, '--wait=false'])
        await kubectl(['delete', 'service', 'evil', '-n', shop])
      }
    },
    refusal: /\(ServiceUnavailable\): the server is currently unable to handle the request/,
  },
  ...(
    [
      // It goes to pods only, and its API server is none of its own.
      [
        '/api/v1/namespaces/default/services/https:kubernetes:443/proxy/api',
        /\(ServiceUnavailable\): no endpoints available for service "kubernetes"/,
      ],
      // The port of the pod, not of the node it is on.
      [
        '/api/v1/namespaces/shop/pods/https:web:10250/proxy/pods',
        /\(ServiceUnavailable\): error trying to reach service: dial tcp [\d.]+:10250: connect: connection refused/,
      ],
      ['/api/v1/nodes/127.0.0.1:2379/proxy/', /\(NotFound\): nodes "127\.0\.0\.1" not found/],
    ] as const
  ).map(
    ([path, refusal]): Attack => ({
      name: `the API server as a proxy: ${path}`,
      as: 'admin',
      attempt: ({ attacker: { kubectl } }) => said(kubectl(['get', '--raw', path], { timeoutMs: 60_000 })),
      refusal,
    }),
  ),
]
