import { describe, expect, test } from 'vitest'
import { frozen } from '../testing/frozen.ts'
import { claimBytes, holdsPlace, podRequests } from './pod-requests.ts'

const asks = (cpu?: string, memory?: string, more: object = {}) => ({
  resources: { requests: { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) } },
  ...more,
})
const aPod = (spec: object) => frozen({ metadata: { name: 'a' }, spec })
const sidecar = { restartPolicy: 'Always' }

describe('what a pod has reserved', () => {
  test.for<[what: string, spec: object, cpu: number, memory: number]>([
    ['nothing that it does not ask for', { containers: [{ name: 'a' }] }, 0, 0],
    ['its containers together', { containers: [asks('250m', '1Gi'), asks('1', '512Mi')] }, 1250, 1.5 * 2 ** 30],
    ['parts of a core without rounding up', { containers: [asks('0.29'), asks('1e-1')] }, 390, 0],
    ['what an init container needs more', { initContainers: [asks('2', '1Mi')], containers: [asks('1', '2Mi')] }, 2000, 2 ** 21],
    [
      'sidecars beside containers',
      { initContainers: [asks('100m', '1Mi', sidecar)], containers: [asks('1', '1Mi')] },
      1100,
      2 ** 21,
    ],
    [
      'sidecars beside the init container after them',
      { initContainers: [asks('100m', '0', sidecar), asks('2')], containers: [asks('1')] },
      2100,
      0,
    ],
    [
      'what the pod asks for as a whole instead',
      { resources: { requests: { cpu: '3' } }, containers: [asks('1', '1Mi')] },
      3000,
      2 ** 20,
    ],
    ['the overhead of its runtime class', { overhead: { cpu: '50m', memory: '1Mi' }, containers: [asks('1')] }, 1050, 2 ** 20],
    ['no quantity that is none', { containers: [asks('much', '-5')] }, 0, 0],
    ['no number without end', { containers: [asks('1', '1e40')] }, 1000, Number.MAX_SAFE_INTEGER],
  ])('%s', ([, spec, cpu, memory]) => {
    expect(podRequests(aPod(spec))).toEqual({ cpu, memory })
  })
})

test.for<[what: string, pod: object, holds: boolean]>([
  ['waits for a node', { spec: {}, status: { phase: 'Pending' } }, false],
  ['has one and starts', { spec: { nodeName: 'n' }, status: { phase: 'Pending' } }, true],
  ['runs', { spec: { nodeName: 'n' }, status: { phase: 'Running' } }, true],
  ['has ended', { spec: { nodeName: 'n' }, status: { phase: 'Succeeded' } }, false],
  ['has failed', { spec: { nodeName: 'n' }, status: { phase: 'Failed' } }, false],
])('a pod that %s holds its place: %s', ([, pod, holds]) => {
  expect(holdsPlace({ metadata: {}, ...pod })).toBe(holds)
})

test.for<[what: string, status: object, bytes: number]>([
  ['bound', { phase: 'Bound', capacity: { storage: '10Gi' } }, 10 * 2 ** 30],
  ['that waits', { phase: 'Pending', capacity: { storage: '10Gi' } }, 0],
  ['without a size', { phase: 'Bound' }, 0],
])('a claim %s', ([, status, bytes]) => {
  expect(claimBytes({ metadata: {}, status })).toBe(bytes)
})
