import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { ownerInTenant } from './super-owner.ts'

const marked = (tenant: string, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  metadata: {
    name: 'web',
    labels: { 'berth.dev/tenant': tenant },
    annotations: { 'berth.dev/namespace': 'shop', 'berth.dev/name': 'web', 'berth.dev/uid': 'u' },
    ...more,
  },
})
const slice = { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'u', controller: true }] } }
const tokens = { metadata: { annotations: { 'berth.dev/renew-at': '2026-01-01T00:00:00Z' } } }

test.for<[what: string, object: KubeObject, answer: object]>([
  ['its marks name an object', marked('t'), { kind: 'object', namespace: 'shop', name: 'web' }],
  ['they are of another tenant', marked('other'), { kind: 'none', why: expect.stringMatching(/somebody else/) }],
  ['a controller of super made it', slice, { kind: 'none', why: expect.stringMatching(/for Service web/) }],
  ['it has tokens of a pod', tokens, { kind: 'none', why: expect.stringMatching(/Berth made it/) }],
  ['it has no marks', { metadata: { name: 'x' } }, { kind: 'none', why: expect.stringMatching(/no marks/) }],
])('an object in a super namespace, where %s', ([, object, answer]) => {
  expect(ownerInTenant(frozen(object), { uid: 't' })).toEqual(answer)
})
