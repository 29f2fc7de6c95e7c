import { expect, test } from 'vitest'
import { maySteer, superLabels } from './labels.ts'

test.for<[key: string, goesDown: boolean, allowed?: string[]]>([
  ['app', true],
  ['app.kubernetes.io/name', true],
  ['pod-template-hash', true],
  ['statefulset.kubernetes.io/pod-name', true],
  ['gateway.networking.k8s.io/gateway-name', true],
  ['service.istio.io/canonical-name', true],
  ['constructor', true],
  ['sidecar.istio.io/inject', false],
  ['sidecar.istio.io/inject', true, ['sidecar.istio.io/*']],
  ['istio.io/rev', false],
  ['aadpodidbinding', false],
  ['azure.workload.identity/use', false],
  ['eks.amazonaws.com/fargate-profile', false],
  ['kueue.x-k8s.io/queue-name', false],
  ['node-role.kubernetes.io/control-plane', false],
  ['berth.dev/tenant', false, ['berth.dev/tenant']],
  // Super's binding sets them.
  ['topology.kubernetes.io/zone', false, ['topology.kubernetes.io/*']],
])('%s goes down: %s', ([key, goesDown, allowed = []]) => {
  expect(superLabels({ [key]: 'x' }, allowed)).toEqual(goesDown ? { [key]: 'x' } : {})
})

test('a label of the node is the same on both sides, and steers nothing', () => {
  expect(maySteer('topology.kubernetes.io/zone')).toBe(false)
  expect(maySteer('topology.kubernetes.io/rack')).toBe(true)
})
