import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { everyClass } from '../../testing/sync-builders.ts'
import { isFaithful } from '../sync-mirrored.ts'
import { type MirrorView, mirroredByPlural } from './mirrored.ts'

let server: TestApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server?.stop())

const view: MirrorView = {
  classes: everyClass,
  hasNode: () => true,
  drivers: () => new Set(['disks.example']),
  hasOwnDefaultPriority: () => false,
}

/** Objects of super, with what a tenant is not to learn of in them. */
const superObjects: readonly [plural: string, object: KubeObject][] = [
  [
    'storageclasses',
    {
      metadata: { name: 'a', labels: { tier: 'gold', 'berth.dev/x': 'y' } },
      provisioner: 'disks.example',
      parameters: { secret: 'hidden' },
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: false,
    },
  ],
  [
    'ingressclasses',
    { metadata: { name: 'a' }, spec: { controller: 'example.com/ingress', parameters: { kind: 'ConfigMap', name: 'hidden' } } },
  ],
  [
    'runtimeclasses',
    {
      metadata: { name: 'a' },
      handler: 'runsc',
      overhead: { podFixed: { cpu: '10m' } },
      scheduling: { nodeSelector: { sandbox: 'true' } },
    },
  ],
  ['priorityclasses', { metadata: { name: 'a' }, value: 7, preemptionPolicy: 'Never', description: 'some' }],
  ['volumeattributesclasses', { metadata: { name: 'a' }, driverName: 'disks.example', parameters: { iops: '3000' } }],
  [
    'csidrivers',
    {
      metadata: { name: 'disks.example' },
      spec: {
        attachRequired: false,
        volumeLifecycleModes: ['Persistent'],
        fsGroupPolicy: 'File',
        tokenRequests: [{ audience: 'hidden' }],
      },
    },
  ],
  [
    'csinodes',
    {
      metadata: { name: 'node-1', annotations: { hidden: 'yes' } },
      spec: {
        drivers: [
          { name: 'disks.example', nodeID: 'node-1', topologyKeys: ['zone'], allocatable: { count: 8 } },
          { name: 'hidden.example', nodeID: 'node-1', topologyKeys: null },
        ],
      },
    },
  ],
]

test.for(superObjects)('%s: the API server takes the copy, and holds no more than is wanted', async ([plural, superObject]) => {
  const kind = mirroredByPlural.get(plural)
  const copy = kind?.toTenant(superObject, view)
  if (!kind || !copy) throw new Error(`no copy of ${plural}`)
  expect(JSON.stringify(copy)).not.toContain('hidden')
  expect(JSON.stringify(copy)).not.toContain('berth.dev')
  await server.client.create(kind.type, copy)
  const live = await server.client.get(kind.type, { name: superObject.metadata.name ?? '' })
  expect(live && isFaithful(kind, live, copy)).toBe(true)
})
