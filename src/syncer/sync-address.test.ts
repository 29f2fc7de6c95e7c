import { expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { aService } from '../testing/builders.ts'
import { HeldUp } from './held-up.ts'
import { parseKey } from './keys.ts'
import type { SyncDeps } from './sides.ts'
import { syncAddress } from './sync-address.ts'

const address = '10.96.4.7'
const ofShop = (name: string): KubeObject =>
  aService({ metadata: { name, namespace: 'shop' }, spec: { clusterIP: address, clusterIPs: [address] } })

const caches = (objects: Readonly<Record<string, readonly KubeObject[]>>): Map<string, unknown> =>
  new Map(
    Object.entries(objects).map(([kind, all]) => [
      kind,
      { get: (key: string) => all.find(({ metadata }) => metadata.name === key), list: () => all },
    ]),
  )

test.for<[name: string, inSuper: readonly KubeObject[], failing: boolean, refused: boolean, comes: readonly string[]]>([
  ['one that goes on well comes', [], false, false, ['services/shop/a']],
  ['one that fails comes by its own pauses: each of its tries takes an address and gives it back', [], true, false, []],
  ['one that was refused for this address comes when it is free, also if it fails', [], true, true, ['services/shop/a']],
  ['and not before', [{ metadata: { name: address }, spec: { parentRef: { resource: 'others' } } }], true, true, []],
])('when an address of super changes: %s', async ([, inSuper, isFailing, isRefused, comes]) => {
  const heldUp = new HeldUp()
  if (isRefused) heldUp.add(address, 'services/shop/a')
  const came: string[] = []
  const deps = {
    tenant: {
      ctx: { tenant: { uid: 'u' }, serviceSlices: [] },
      informers: caches({ ipaddresses: [], services: [ofShop('a')] }),
      heldUp,
    },
    superSide: { informers: caches({ ipaddresses: inSuper, namespaces: [], services: [] }) },
    isFailing: () => isFailing,
    enqueue: (key: string) => void came.push(key),
  }
  await syncAddress(parseKey(`ipaddresses//${address}`), deps as unknown as SyncDeps)
  expect(came).toEqual(comes)
})
