import { expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { withDefaultResources } from './default-resources.ts'
import type { Pod } from './pod.ts'

const containerRequests = { cpu: '100m', memory: '128Mi' }
const containerLimits = { cpu: '1', memory: '256Mi', 'ephemeral-storage': '1Gi' }

const sized = (resources: object | undefined, quota: object = { containerRequests, containerLimits }) => {
  const pod = aTenantPod({ containers: [{ name: 'main', ...(resources && { resources }) }] }) as Pod
  return withDefaultResources(pod, aSyncContext({ isolation: { quota } }).isolation).spec.containers[0]?.resources
}

test('a container that says nothing gets all', () => {
  expect(sized(undefined)).toEqual({
    requests: { ...containerRequests, 'ephemeral-storage': '1Gi' },
    limits: containerLimits,
  })
})

test('what it says stays: a limit is asked for as well, and no default is below a request', () => {
  expect(sized({ requests: { memory: '1Gi' }, limits: { cpu: '50m' } })).toEqual({
    requests: { cpu: '50m', memory: '1Gi', 'ephemeral-storage': '1Gi' },
    limits: { cpu: '50m', memory: '1Gi', 'ephemeral-storage': '1Gi' },
  })
})

test('only requests', () => {
  expect(sized({ limits: { 'nvidia.com/gpu': '1' } }, { containerRequests })).toEqual({
    requests: { ...containerRequests, 'nvidia.com/gpu': '1' },
    limits: { 'nvidia.com/gpu': '1' },
  })
})

test('init containers too; a pod with a size of its own stays as it is, and so does every pod without defaults', () => {
  const { isolation } = aSyncContext({ isolation: { quota: { containerRequests } } })
  const pod = aTenantPod({ initContainers: [{ name: 'init' }] }) as Pod
  expect(withDefaultResources(pod, isolation).spec.initContainers).toEqual([
    { name: 'init', resources: { requests: containerRequests } },
  ])
  const whole = aTenantPod({ resources: { requests: { cpu: '1' } } }) as Pod
  expect(withDefaultResources(whole, isolation)).toBe(whole)
  expect(withDefaultResources(pod, aSyncContext().isolation)).toBe(pod)
})
