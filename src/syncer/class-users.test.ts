import { expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { waitingForClass } from './class-users.ts'

const named = (name: string, spec: Record<string, unknown>, annotations: Record<string, string> = {}): KubeObject => ({
  metadata: { name, annotations },
  spec,
})
const objects: Readonly<Record<string, readonly KubeObject[]>> = {
  ingresses: [
    named('public', { ingressClassName: 'public' }),
    named('other', { ingressClassName: 'other' }),
    named('old', {}, { 'kubernetes.io/ingress.class': 'public' }),
    named('unnamed', {}),
  ],
  persistentvolumeclaims: [named('fast', { storageClassName: 'fast', volumeAttributesClassName: 'gold' }), named('unnamed', {})],
  'volumesnapshots.snapshot.storage.k8s.io': [named('monday', { volumeSnapshotClassName: 'daily' }), named('unnamed', {})],
  'gateways.gateway.networking.k8s.io': [named('web', { gatewayClassName: 'edge' }), named('odd', {})],
  pods: [named('kata', { runtimeClassName: 'kata', priorityClassName: 'batch' }), named('plain', {})],
}

test.for<[plural: string, name: string, waiting: string[]]>([
  ['ingressclasses', 'public', ['public', 'old', 'unnamed']],
  ['storageclasses', 'fast', ['fast', 'unnamed']],
  ['volumeattributesclasses', 'gold', ['fast', 'unnamed']],
  ['runtimeclasses', 'kata', ['kata']],
  ['priorityclasses', 'batch', ['kata']],
  ['volumesnapshotclasses', 'daily', ['monday', 'unnamed']],
  ['gatewayclasses', 'edge', ['web']],
  ['nodes', 'n1', []],
])('%s %s', ([plural, name, waiting]) => {
  expect(waitingForClass(plural, name, (kind) => objects[kind] ?? []).map(({ object }) => object.metadata.name)).toEqual(waiting)
})
