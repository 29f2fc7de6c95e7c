import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { eventually } from './eventually.ts'

const { configMaps, validatingAdmissionPolicies, validatingAdmissionPolicyBindings } = resourceTypes
const name = 'last-policy'
const message = 'the last policy holds'

/**
 * Waits until a cluster acts on every ValidatingAdmissionPolicy that was made before the call. `client` may do everything there. An API server takes up policies
 * once in a second, all that its informers have by then, in the order of their making (apiserver, admission/plugin/policy/generic/policy_source.go): one of a set
 * may hold a second before the next one does. So one more is made, and when that one holds, so do the others.
 */
export const policiesInForce = async (client: KubeClient): Promise<void> => {
  const metadata = { name }
  await client.create(validatingAdmissionPolicies, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata,
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'], resourceNames: [name] },
        ],
      },
      validations: [{ expression: 'false', message }],
    },
  })
  await client.create(validatingAdmissionPolicyBindings, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata,
    spec: { policyName: name, validationActions: ['Deny'] },
  })
  await eventually(
    () =>
      client.create(configMaps, { metadata: { name, namespace: 'default' } }, { dryRun: true }).then(
        () => false,
        (error: unknown) => error instanceof Error && error.message.includes(message),
      ),
    { deadlineMs: 30_000, describe: 'admission policies in force' },
  )
  await client.delete(validatingAdmissionPolicyBindings, metadata)
  await client.delete(validatingAdmissionPolicies, metadata)
}
