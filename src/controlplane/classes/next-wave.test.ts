import { describe, expect, test } from 'vitest'
import type { ClassRollout } from '../../apis/tenant-class.ts'
import { frozen } from '../../testing/frozen.ts'
import { nextWave, type TenantHealth, type TenantView } from './next-wave.ts'

const now = new Date('2026-06-01T12:00:00Z')
const ready: TenantHealth = { kind: 'ready' }
const busy: TenantHealth = { kind: 'progressing', message: 'starting' }
const broken: TenantHealth = { kind: 'failed', message: 'unknown flag' }
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000)

const view = (key: string, revision: string | undefined, fields: Partial<TenantView> = {}): TenantView => ({
  key,
  labels: {},
  revision,
  movedAt: undefined,
  health: ready,
  ...fields,
})
const moved = (key: string, health: TenantHealth = ready, fields: Partial<TenantView> = {}): TenantView =>
  view(key, 'new', { health, movedAt: minutesAgo(1), ...fields })
const canary = { labels: { ring: 'canary' } }

interface Wanted {
  readonly state: string
  readonly move?: readonly string[]
  readonly adopt?: readonly string[]
  readonly failed?: readonly string[]
}

const plan = (tenants: readonly TenantView[], rollout: Partial<ClassRollout> = {}) =>
  nextWave(
    frozen({
      tenants,
      updated: 'new',
      current: 'old',
      now,
      rollout: { maxConcurrent: 1, paused: false, waves: [], progressDeadlineSeconds: 600, ...rollout },
    }),
  )

describe('nextWave', () => {
  test.for<[name: string, tenants: readonly TenantView[], rollout: Partial<ClassRollout>, wanted: Wanted]>([
    ['no tenants: all is done', [], {}, { state: 'Complete' }],
    ['all are there', [view('a', 'new'), moved('b')], {}, { state: 'Complete' }],
    ['one at a time, in order', [view('b', 'old'), view('a', 'old')], {}, { state: 'Progressing', move: ['a'] }],
    ['the next only when the last is ready', [moved('a', busy), view('b', 'old')], {}, { state: 'Progressing', move: [] }],
    [
      'one that waits for its window holds up the next, and has no time that ends',
      [moved('a', { kind: 'held', message: 'waits' }, { movedAt: minutesAgo(1000) }), view('b', 'old')],
      {},
      { state: 'Progressing', move: [] },
    ],
    ['then it is its turn', [moved('a'), view('b', 'old')], {}, { state: 'Progressing', move: ['b'] }],
    ['the last one is waited for', [moved('a', busy)], {}, { state: 'Progressing', move: [] }],
    [
      'several at once',
      [moved('a', busy), view('b', 'old'), view('c', 'old'), view('d', 'old')],
      { maxConcurrent: 3 },
      { state: 'Progressing', move: ['b', 'c'] },
    ],
    [
      'new ones take the newest',
      [view('a', undefined), view('b', 'old')],
      {},
      { state: 'Progressing', adopt: ['a'], move: ['b'] },
    ],
    ['also in a pause', [view('a', undefined), view('b', 'old')], { paused: true }, { state: 'Paused', adopt: ['a'], move: [] }],
    [
      'one that is being made holds nobody up',
      [view('a', 'new', { health: busy }), view('b', 'old')],
      {},
      { state: 'Progressing', move: ['b'] },
    ],
    [
      'nor does one that cannot be made',
      [view('a', 'new', { health: broken }), view('b', 'old')],
      {},
      { state: 'Progressing', move: ['b'] },
    ],
    ['a pause after the last one is none', [view('a', 'new')], { paused: true }, { state: 'Complete' }],
    [
      'a failure stops it',
      [moved('a', broken), view('b', 'old'), view('c', undefined)],
      { maxConcurrent: 5 },
      { state: 'Stopped', adopt: ['c'], move: [], failed: ['a: unknown flag'] },
    ],
    [
      'so does one whose time is over',
      [moved('a', busy, { movedAt: minutesAgo(11) }), view('b', 'old')],
      {},
      { state: 'Stopped', failed: ['a: it is not ready after 600 s: starting'] },
    ],
    [
      'it goes on when the tenant was mended',
      [moved('a', ready, { movedAt: minutesAgo(60) }), view('b', 'old')],
      {},
      { state: 'Progressing', move: ['b'] },
    ],
    [
      'a class that was changed again goes on with who is worst off',
      [view('z', 'bad', { health: broken, movedAt: minutesAgo(3) }), view('a', 'old')],
      {},
      { state: 'Progressing', move: ['z'] },
    ],
    [
      'and with nobody else of its wave before the canaries',
      [
        view('y', 'bad', { health: busy, movedAt: minutesAgo(3) }),
        view('z', 'bad', { health: broken, movedAt: minutesAgo(3) }),
        view('w', 'bad', { movedAt: minutesAgo(3) }),
        view('a', 'old'),
        view('c', 'old', canary),
      ],
      { waves: [{ name: 'canaries', selector: { ring: 'canary' } }], maxConcurrent: 5 },
      { state: 'Progressing', move: ['y', 'z'] },
    ],
    [
      'those that are not well come last',
      [view('a', 'old', { health: busy }), view('b', 'old')],
      {},
      { state: 'Progressing', move: ['b'] },
    ],
    [
      'canaries first',
      [view('a', 'old'), view('z', 'old', canary)],
      { waves: [{ name: 'canaries', selector: { ring: 'canary' } }], maxConcurrent: 2 },
      { state: 'Progressing', move: ['z'] },
    ],
    [
      'and the others when the canaries are ready',
      [view('a', 'old'), moved('z', busy, canary)],
      { waves: [{ name: 'canaries', selector: { ring: 'canary' } }], maxConcurrent: 2 },
      { state: 'Progressing', move: [] },
    ],
    [
      'all of them',
      [view('a', 'old'), view('b', 'old'), moved('z', ready, canary)],
      { waves: [{ name: 'canaries', selector: { ring: 'canary' } }], maxConcurrent: 2 },
      { state: 'Progressing', move: ['a', 'b'] },
    ],
  ])('%s', ([, tenants, rollout, wanted]) => {
    const { state, move, adopt, failed } = plan(tenants, rollout)
    const keys = (views: readonly TenantView[]) => views.map(({ key }) => key)
    expect({
      state,
      move: keys(move),
      adopt: keys(adopt),
      failed: failed.map(({ tenant, cause }) => `${tenant.key}: ${cause}`),
    }).toEqual({ move: [], adopt: [], failed: [], ...wanted })
  })

  test('says who it stopped at, why, and what was left alone', () => {
    expect(plan([moved('home/a', broken), view('home/b', 'old')]).message).toBe(
      'stopped at tenant home/a: unknown flag. Change the class, or mend the tenant; 1 are left as they were',
    )
  })

  test('a tenant that was ready once counts no more for how the rollout goes', () => {
    expect(plan([moved('a'), moved('b', busy)]).settle.map(({ key }) => key)).toEqual(['a'])
    expect(plan([view('a', 'new', { health: broken })])).toMatchObject({ state: 'Complete', failed: [] })
  })

  test('a time to come is not waited for', () => {
    expect(plan([moved('a', busy, { movedAt: minutesAgo(-60) })]).state).toBe('Stopped')
  })

  test('looks again when the time of the first is over', () => {
    expect(plan([moved('a', busy), moved('b', busy, { movedAt: minutesAgo(4) }), view('c', 'old')]).lookAgainMs).toBe(6 * 60_000)
  })

  test('moves nobody twice, and everybody in the end, whatever the limits', () => {
    for (let maxConcurrent = 1; maxConcurrent <= 4; maxConcurrent += 1) {
      let tenants = Array.from({ length: 9 }, (_, index) =>
        view(`t${index}`, 'old', { labels: { ring: String(index % 3) } as Record<string, string> }),
      )
      const waves = [
        { name: 'first', selector: { ring: '2' } },
        { name: 'second', selector: { ring: '0' } },
      ]
      const order: string[] = []
      for (let round = 0; round < 20; round += 1) {
        const { move } = plan(tenants, { maxConcurrent, waves })
        expect(move.length).toBeLessThanOrEqual(maxConcurrent)
        order.push(...move.map(({ key }) => key))
        tenants = tenants.map((tenant) =>
          move.some(({ key }) => key === tenant.key) ? moved(tenant.key, ready, { labels: tenant.labels }) : tenant,
        )
      }
      expect(order).toEqual(['t2', 't5', 't8', 't0', 't3', 't6', 't1', 't4', 't7'])
      expect(plan(tenants, { maxConcurrent, waves }).state).toBe('Complete')
    }
  })
})
