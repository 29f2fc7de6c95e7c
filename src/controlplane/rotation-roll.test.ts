import { expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { componentLabel } from '../tenancy/marks.ts'
import { frozen } from '../testing/frozen.ts'
import { rootsHashAnnotation } from './components/plane.ts'
import { componentNames } from './names.ts'
import { isRolledOutWith } from './rotation-roll.ts'

const now = new Date('2026-06-01T12:00:00Z')
const inSeconds = (seconds: number): string => new Date(now.getTime() + seconds * 1000).toISOString()
const hashes = frozen({ etcd: 'e2', 'kube-apiserver': 'a2', 'kube-controller-manager': 'c2' })
type Component = keyof typeof hashes

const podOf = (
  component: Component,
  hash: string,
  more: Partial<KubeObject['metadata']> = {},
  phase = 'Running',
): KubeObject => ({
  metadata: {
    name: `${component}-x`,
    labels: { [componentLabel]: component },
    annotations: { [rootsHashAnnotation]: hash },
    ...more,
  },
  status: { phase },
})
const workloadOf = (component: Component, hash: string = hashes[component], replicas = 1): [string, KubeObject] => [
  `${component === 'etcd' ? 'StatefulSet' : 'Deployment'}/${component}`,
  {
    metadata: { name: component, generation: 3 },
    spec: { replicas, template: { metadata: { annotations: { [rootsHashAnnotation]: hash } } } },
    status: { observedGeneration: 3, replicas, readyReplicas: replicas, updatedReplicas: replicas },
  },
]
const components = Object.values(componentNames)
const newPods = components.map((component) => podOf(component, hashes[component]))
const newWorkloads = components.map((component) => workloadOf(component))

interface Case {
  readonly workloads?: readonly (readonly [string, KubeObject])[]
  readonly pods?: readonly KubeObject[]
  readonly ownStore?: boolean
}
const ofBefore = (more: Partial<KubeObject['metadata']>, phase?: string): Case => ({
  pods: [...newPods, podOf('kube-apiserver', 'a1', more, phase)],
})

test.for<[name: string, given: Case, rolledOut: boolean]>([
  ['all new', {}, true],
  ['an API server of before that is ending', ofBefore({ deletionTimestamp: inSeconds(15) }), false],
  ['one whose grace is over, and whose kubelet is late', ofBefore({ deletionTimestamp: inSeconds(-30) }), false],
  ['one that nobody ends any more: its node is lost', ofBefore({ deletionTimestamp: inSeconds(-61) }), true],
  ['one of before that nobody ended', ofBefore({}), false],
  ['one of before that has ended, and is there to be looked at', ofBefore({}, 'Failed'), true],
  ['one without a mark', { pods: [...newPods, podOf('kube-apiserver', '', { annotations: {} })] }, false],
  ['a workload that is to be rolled out', { workloads: [...newWorkloads, workloadOf('kube-controller-manager', 'c1')] }, false],
  ['a workload at zero', { workloads: [...newWorkloads, workloadOf('kube-controller-manager', 'c2', 0)] }, false],
  ['a workload that is not there', { workloads: newWorkloads.slice(0, 2) }, false],
  ['an etcd of before', { pods: [...newPods, podOf('etcd', 'e1')] }, false],
  ['an etcd that is not the tenant’s own', { workloads: newWorkloads.slice(1), ownStore: false }, true],
])('%s', ([, { workloads = newWorkloads, pods = newPods, ownStore = true }, rolledOut]) => {
  expect(isRolledOutWith(hashes, { objects: new Map(workloads), pods: frozen(pods) }, { ownStore, now })).toBe(rolledOut)
})
