import { expect, test } from 'vitest'
import { readConfig } from '../../lib/config.ts'
import { targetRulesOf, webhookSettings } from './settings.ts'

const read = (env: Record<string, string>) => readConfig('worker', webhookSettings, { argv: [], env })

test('nothing said is safe', () => {
  const result = read({})
  expect(result.kind === 'config' && targetRulesOf(result.config)).toEqual({ allowed: [], refused: [], allowHttp: false })
})

test('ranges come with commas between them, of both families', () => {
  const result = read({
    BERTH_WEBHOOK_ALLOWED_CIDRS: '10.1.0.0/16, fd00::/8',
    BERTH_WEBHOOK_REFUSED_CIDRS: '203.0.113.0/24',
    BERTH_WEBHOOK_ALLOW_HTTP: 'true',
  })
  expect(result.kind === 'config' && targetRulesOf(result.config)).toEqual({
    allowed: ['10.1.0.0/16', 'fd00::/8'],
    refused: ['203.0.113.0/24'],
    allowHttp: true,
  })
})

test.for<[name: string, env: Record<string, string>]>([
  ['an address', { BERTH_WEBHOOK_ALLOWED_CIDRS: '10.1.0.1' }],
  ['no range', { BERTH_WEBHOOK_REFUSED_CIDRS: 'all' }],
  ['no yes or no', { BERTH_WEBHOOK_ALLOW_HTTP: 'maybe' }],
])('refused: %s', ([, env]) => {
  expect(() => read(env)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
