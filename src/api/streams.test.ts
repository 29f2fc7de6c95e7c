import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { TenantListener } from './caches.ts'
import { createStreams } from './streams.ts'

const plane = (resourceVersion: string, size: number): TenantControlPlane =>
  ({
    metadata: { name: 'a', namespace: 'acme', uid: 'u', resourceVersion },
    spec: { note: 'x'.repeat(size) },
  }) as unknown as TenantControlPlane

test('a client that reads nothing is cut before it holds much memory, and another one is not', () => {
  const listeners: TenantListener[] = []
  const caches = {
    tenantsPosition: () => '1',
    onTenant: (listener: TenantListener) => {
      listeners.push(listener)
      return () => {}
    },
  } as unknown as Parameters<typeof createStreams>[0]['caches']
  const limits = { perSecond: 1, burst: 1, streams: 2 }
  const streams = createStreams({ caches, limits, log: pino({ level: 'silent' }) }, () => true)
  // Nobody takes what is written to a response without a connection: it stays in its buffer.
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  streams.serve({ organization: 'acme', principal: { keyId: 'k', scopes: [] }, lastEventId: undefined }, response)
  const tell = (version: number) => {
    for (const listener of listeners) listener('updated', plane(`${version}`, 100_000), undefined)
  }
  tell(2)
  expect(response.destroyed).toBe(false)
  for (let version = 3; version < 40; version += 1) tell(version)
  expect(response.destroyed).toBe(true)
  expect(response.writableLength).toBeLessThan(2 * 1024 * 1024)
  streams.stop()
})
