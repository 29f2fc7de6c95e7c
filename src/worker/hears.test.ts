import { expect, test } from 'vitest'
import { hears } from './hears.ts'

const endpoint = { url: 'https://a.example/', events: ['tenant.ready'], secrets: [], state: 'enabled' } as const
const webhook = { endpoint: { ...endpoint, events: [...endpoint.events], secrets: [] }, createdAt: '2026-11-22T12:00:00Z' }
const [before, after] = ['2026-11-22T11:59:59Z', '2026-11-22T12:00:01Z']
const told = { in: 'epoch', at: after }

test.for<[name: string, event: Parameters<typeof hears>[1], expected: boolean]>([
  ['what happens now', { type: 'tenant.ready', time: after }, true],
  ['what it does not want', { type: 'tenant.paused', time: after }, false],
  ['what happened a moment before it was made, and is told late', { type: 'tenant.ready', time: before }, true],
  ['a tenant that was there before anybody looked', { type: 'tenant.ready', time: before, isFirst: true }, false],
  ['one that was not', { type: 'tenant.ready', time: after, isFirst: true }, true],
  ['what others were told before it was made, and are told again', { type: 'tenant.ready', time: before, told }, false],
  ['what it was told itself, and is told again', { type: 'tenant.ready', time: after, told }, true],
])('%s', ([, event, expected]) => expect(hears(webhook, event)).toBe(expected))
