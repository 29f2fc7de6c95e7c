import { apply, superKubectl, world } from '../support/kubectl.ts'
import { waitFor } from '../support/wait.ts'
import { type Ground, shop } from './ground.ts'
import { said } from './ways.ts'

/**
 * While there is a webhook of the attacker's, which its API server must ask before it takes a LimitRange. `ask` has it asked once more and returns what the
 * attacker is told of that.
 * @param name of this webhook alone: what is said of another, which the API server has not yet forgotten, does not count.
 */
export const withWebhook = async <T>(
  { attacker: { kubectl } }: Ground,
  name: string,
  clientConfig: object,
  use: (ask: () => Promise<string>) => Promise<T>,
): Promise<T> => {
  const fullName = `${name}.evil.example.com`
  await apply(kubectl, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: fullName },
    webhooks: [
      {
        name: fullName,
        clientConfig,
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['limitranges'] }],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 3,
      },
    ],
  })
  const range = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'x', namespace: shop }, spec: { limits: [] } }
  const ask = (): Promise<string> =>
    waitFor(`webhook ${fullName} to be asked`, async () => {
      const words = await said(kubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(range) }))
      return words.includes(`webhook "${fullName}"`) ? words : undefined
    })
  try {
    return await use(ask)
  } finally {
    await kubectl(['delete', 'validatingwebhookconfiguration', fullName])
  }
}

/**
 * The API server dialled, and no connection came about. Words about a certificate, of TLS or of HTTP are none of these: where they come from was reached, and
 * says so long before the time of the call is over.
 */
export const notReached =
  /failed calling webhook "[^"]+": failed to call webhook: Post "[^"]+": (context deadline exceeded|dial tcp [\d.]+:\d+: (i\/o timeout|connect: (connection refused|connection timed out|no route to host|network is unreachable)))/

/** A node that the attacker's API server is not on: what a pod sends to its own node passes no policy of any network plugin (Kubernetes says so). */
export const nodeBesideApiServer = async ({ attacker: { controlPlaneNamespace } }: Ground): Promise<string> => {
  const selector = 'berth.dev/component=kube-apiserver'
  const path = 'jsonpath={.items[*].spec.nodeName}'
  const own = await superKubectl(['get', 'pods', '-n', controlPlaneNamespace, '-l', selector, '-o', path])
  const { ip } = world().nodes.find(({ name }) => !own.split(' ').includes(name)) ?? {}
  if (ip === undefined) throw new Error(`there is no node beside ${own}`)
  return ip
}

/** Address of a pod of a control plane. */
export const planePodIp = (controlPlaneNamespace: string, component: string): Promise<string> =>
  superKubectl([
    'get',
    'pods',
    '-n',
    controlPlaneNamespace,
    '-l',
    `berth.dev/component=${component}`,
    '-o',
    'jsonpath={.items[0].status.podIP}',
  ])
