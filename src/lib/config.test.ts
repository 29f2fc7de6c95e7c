import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { commonSettings, readConfig, text } from './config.ts'

const settings = {
  ...commonSettings,
  port: { env: 'BERTH_PORT', flag: 'port', schema: text.port().default(8080), help: 'port of the health server' },
  secret: { env: 'BERTH_SECRET', schema: z.string().min(8).optional(), help: 'never a flag' },
  elect: { flag: 'elect', schema: text.flag().default(true), help: 'elect a leader' },
}
const read = (argv: string[], env: Record<string, string> = {}) => readConfig('berth-test', settings, { argv, env })

describe('readConfig', () => {
  test.for<[name: string, argv: string[], env: Record<string, string>, wanted: Record<string, unknown>]>([
    ['defaults', [], {}, { port: 8080, elect: true, logLevel: 'info', secret: undefined }],
    ['environment', [], { BERTH_PORT: '1' }, { port: 1 }],
    ['flags win', ['--port=2'], { BERTH_PORT: '1' }, { port: 2 }],
    ['a flag and its value apart', ['--elect', 'false'], {}, { elect: false }],
    ['an empty value is none', [], { BERTH_PORT: '' }, { port: 8080 }],
  ])('%s', ([, argv, env, wanted]) => expect(read(argv, env)).toMatchObject({ kind: 'config', config: wanted }))

  test('the result cannot be changed', () => {
    const result = read([])
    expect(result.kind === 'config' && Object.isFrozen(result.config)).toBe(true)
  })

  test('names every fault, and no value', () => {
    const bad = () => read(['--port=x'], { BERTH_SECRET: 'hunter2', BERTH_LOG_LEVEL: 'loud' })
    expect(bad).toThrow(/--log-level or BERTH_LOG_LEVEL: .*; --port or BERTH_PORT: .*; BERTH_SECRET: /)
    expect(bad).not.toThrow(/hunter2/)
  })

  test.for([['--nope'], ['rest'], ['--port']])('refuses %j and points to the help', (argv) => {
    expect(() => read(argv)).toThrow(/berth-test --help lists the flags/)
  })

  test('help lists flags, variables, defaults', () => {
    const result = read(['--help'])
    expect(result.kind === 'help' && result.text).toMatch(/--port or BERTH_PORT +port of the health server \(default 8080\)/)
  })
})
