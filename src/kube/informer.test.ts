import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { AppError } from '../lib/errors.ts'
import { eventually } from '../testing/eventually.ts'
import { createModelApiServer } from '../testing/model-api-server.ts'
import { createInformer, type InformerOptions } from './informer.ts'

const log = pino({ level: 'silent' })
const aMap = (name: string): KubeObject => ({ metadata: { namespace: 'n', name, uid: name } })
const follow = (server: ReturnType<typeof createModelApiServer>, more: Partial<InformerOptions<KubeObject>> = {}) =>
  createInformer({ client: server.client, type: resourceTypes.configMaps, log, backoff: { firstMs: 1, capMs: 3 }, ...more })
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}
const versions = (objects: readonly KubeObject[]) =>
  new Map(objects.map(({ metadata }) => [`${metadata.namespace}/${metadata.name}`, metadata.resourceVersion]))
const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))

const sameAs = (server: ReturnType<typeof createModelApiServer>, objects: readonly KubeObject[]) =>
  JSON.stringify(sorted(versions(objects))) === JSON.stringify(sorted(server.state()))

const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), name: names, observe: fc.constantFrom('now', 'later', 'no') }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), name: names }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const), asEvent: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('observeLater', 'disconnect', 'end', 'bookmark', 'failList', 'throttleList', 'tooLarge' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rewind' as const), back: fc.integer({ min: 1, max: 5 }) }) },
)

describe('informer', () => {
  test('equals the server after any mix of writes, own writes, faults, expired versions, relists and restores', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (steps, pageSize) => {
        const server = createModelApiServer()
        const told = new Map<string, string | undefined>()
        let rewound = false
        const informer = follow(server, {
          pageSize,
          onEvent: (kind, { metadata }, old) => {
            const key = `${metadata.namespace}/${metadata.name}`
            if (kind === 'added') expect(told.has(key)).toBe(false)
            if (kind === 'updated') {
              expect(old?.metadata.resourceVersion).toBe(told.get(key))
              if (!rewound) expect(Number(metadata.resourceVersion)).toBeGreaterThan(Number(told.get(key)))
            }
            if (kind === 'deleted') told.delete(key)
            else told.set(key, metadata.resourceVersion)
          },
        })
        let late: KubeObject[] = []
        server.write(aMap('a'))
        informer.start()
        for (const each of steps) {
          switch (each.kind) {
            case 'write': {
              const written = server.write(aMap(each.name))
              if (each.observe === 'later') late.push(written)
              if (each.observe !== 'now' || !informer.hasSynced || rewound) break
              informer.observe(written)
              expect(informer.get(`n/${each.name}`)?.metadata.resourceVersion).toBe(written.metadata.resourceVersion)
              break
            }
            case 'remove':
              server.remove(`n/${each.name}`)
              break
            case 'turns':
              await turns(each.count)
              break
            case 'compact':
              server.compact(each.asEvent)
              break
            case 'rewind':
              server.rewind(each.back)
              rewound = true
              late = [] // an answer from before a restore is not of this world
              // Else it would pass the copy's version again unseen, which nobody could tell.
              await eventually(() => Number(informer.position) <= server.version() && sameAs(server, informer.list()), {
                everyMs: 1,
                describe: 'the copy to go back in time',
              })
              break
            case 'observeLater':
              for (const object of late) informer.observe(object)
              late = []
              break
            case 'disconnect':
              server.disconnect()
              break
            case 'end':
              server.endWatches()
              break
            case 'bookmark':
              server.bookmark()
              break
            case 'failList':
              server.failNextList(new AppError('KUBE_SERVER_ERROR', 'etcd has no leader', {}))
              break
            case 'throttleList':
              server.failNextList(new AppError('KUBE_TOO_MANY_REQUESTS', 'slow down', { retryAfterMs: 2 }))
              break
            case 'tooLarge':
              server.failNextList(new AppError('KUBE_TOO_LARGE', 'too large', {}))
          }
        }
        for (const object of late) informer.observe(object)
        server.write(aMap('last'))
        server.disconnect()
        await eventually(
          () => {
            expect(sameAs(server, informer.list())).toBe(true)
            expect(sorted(told)).toEqual(sorted(server.state()))
            return true
          },
          { deadlineMs: 3000, everyMs: 1, describe: 'the copy to equal the server' },
        )
        await informer.stop()
      }),
      { numRuns: 200, interruptAfterTimeLimit: 50_000, markInterruptAsFailure: true },
    )
  }, 60_000)

  test('goes on after a handler or a projection that throws', async () => {
    const server = createModelApiServer()
    server.write(aMap('a'))
    const informer = follow(server, {
      onEvent: () => {
        throw new Error('handler')
      },
      keep: () => {
        throw new Error('projection')
      },
    })
    informer.start()
    await informer.whenSynced({ deadlineMs: 1000 })
    server.write(aMap('b'))
    await eventually(() => informer.get('n/b'))
    await informer.stop()
    expect(informer.stats.failures).toBe(0)
  })

  test('says what failed last when the list does not come in time', async () => {
    const server = createModelApiServer()
    for (let each = 0; each < 1000; each += 1) server.failNextList(new AppError('KUBE_FORBIDDEN', 'pods is forbidden', {}))
    const informer = follow(server)
    informer.start()
    await expect(informer.whenSynced({ deadlineMs: 30 })).rejects.toThrow(/not listed within 30 ms: pods is forbidden/)
    await informer.stop()
  })

  test('asks for smaller pages when one is too large', async () => {
    const server = createModelApiServer()
    const limits: unknown[] = []
    const client = {
      ...server.client,
      list: ((type, options) => {
        limits.push(options?.limit)
        return server.client.list(type, options)
      }) as typeof server.client.list,
    }
    server.failNextList(new AppError('KUBE_TOO_LARGE', 'too large', {}))
    const informer = follow(server, { client })
    informer.start()
    await informer.whenSynced({ deadlineMs: 1000 })
    await informer.stop()
    expect(limits).toEqual([500, 62])
  })

  test('asks for larger pages again when a whole list has come', async () => {
    const server = createModelApiServer()
    const limits: unknown[] = []
    const client = {
      ...server.client,
      list: ((type, options) => {
        if (options?.limit !== 1) limits.push(options?.limit)
        return server.client.list(type, options)
      }) as typeof server.client.list,
    }
    server.failNextList(new AppError('KUBE_TOO_LARGE', 'too large', {}))
    const informer = follow(server, { client })
    informer.start()
    await informer.whenSynced({ deadlineMs: 1000 })
    for (let lists = 2; lists <= 5; lists += 1) {
      server.disconnect()
      server.write(aMap(`a-${lists}`))
      server.compact(true)
      await eventually(() => informer.stats.lists === lists)
    }
    await informer.stop()
    expect(limits).toEqual([500, 62, 124, 248, 496, 500])
  })

  test('pauses when each list is taken and no watch from it', async () => {
    const server = createModelApiServer()
    async function* watch(): AsyncGenerator<never> {
      yield* await Promise.reject<never[]>(new AppError('KUBE_GONE', 'too old resource version', {}))
    }
    const informer = follow(server, { client: { ...server.client, watch }, backoff: { firstMs: 60_000, capMs: 60_000 } })
    informer.start()
    await eventually(() => informer.stats.failures === 2)
    await turns(20)
    expect(informer.stats).toMatchObject({ lists: 2, failures: 2 })
    await informer.stop()
  })

  test('weighs what own writes bring in as well, and takes nothing more in when it is too much', async () => {
    const server = createModelApiServer()
    let used = 0
    const informer = follow(server, { spend: (bytes) => (used += bytes) < 10_000 })
    informer.start()
    await informer.whenSynced({ deadlineMs: 1000 })
    for (let each = 0; each < 100; each += 1)
      informer.observe({ metadata: { namespace: 'n', name: `forged-${each}`, resourceVersion: String(1_000 + each) } })
    expect(informer.size).toBeGreaterThan(3)
    expect(informer.size).toBeLessThan(10)
    await informer.stop()
  })

  test('does not take a list that has no version: it would be listed anew at once, over and over', async () => {
    const server = createModelApiServer()
    let lists = 0
    const list = async () => {
      lists += 1
      return { metadata: {}, items: [] }
    }
    const informer = follow(server, { client: { ...server.client, list }, backoff: { firstMs: 60_000, capMs: 60_000 } })
    informer.start()
    await eventually(() => informer.stats.failures > 0)
    await turns(10)
    expect([lists, informer.hasSynced]).toEqual([1, false])
    expect(informer.stats.lastError).toMatchObject({ code: 'KUBE_SERVER_ERROR' })
    await informer.stop()
  })

  test('waits as long as a throttling server says', async () => {
    const server = createModelApiServer()
    server.failNextList(new AppError('KUBE_TOO_MANY_REQUESTS', 'slow down', { retryAfterMs: 150 }))
    const informer = follow(server)
    const began = performance.now()
    informer.start()
    await informer.whenSynced({ deadlineMs: 2000 })
    expect(performance.now() - began).toBeGreaterThanOrEqual(149)
    await informer.stop()
  })

  test('does not ask in a tight loop a server that ends each watch at once', async () => {
    const server = createModelApiServer()
    async function* nothing() {}
    const informer = follow(server, { client: { ...server.client, watch: nothing }, backoff: { firstMs: 40, capMs: 40 } })
    const began = performance.now()
    informer.start()
    await informer.whenSynced({ deadlineMs: 10_000 })
    await eventually(() => informer.stats.lists > 2)
    await informer.stop()
    // A pause of 40 ms, less what is taken off by chance.
    const pauses = (performance.now() - began) / 20
    expect(informer.stats.watches).toBeLessThanOrEqual(3 + pauses)
  })

  test('knows the objects of a namespace, own writes included', async () => {
    const server = createModelApiServer()
    const inOther: KubeObject = { metadata: { namespace: 'other', name: 'x' } }
    server.write(aMap('a'))
    server.write(inOther)
    const informer = follow(server, { indexNamespaces: true })
    informer.start()
    await informer.whenSynced({ deadlineMs: 1000 })
    const names = (namespace: string) => informer.byNamespace(namespace).map(({ metadata }) => metadata.name)
    expect(names('n')).toEqual(['a'])
    informer.observe(server.write(aMap('b')))
    expect(names('n')).toEqual(['a', 'b'])
    server.remove('other/x')
    await eventually(() => names('other').length === 0)
    await informer.stop()
  })

  test('can be stopped before and while it starts', async () => {
    const server = createModelApiServer()
    const never = follow(server)
    await never.stop()
    never.start()
    const soon = follow(server)
    soon.start()
    await soon.stop()
    await turns(3)
    expect([never.hasSynced, soon.hasSynced]).toEqual([false, false])
  })
})
