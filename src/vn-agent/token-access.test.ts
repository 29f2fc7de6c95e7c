import { generateKeyPairSync, sign } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { tokenKeyOf, tokenKeysOf } from './token.ts'
import { createTokenAccess } from './token-access.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const record = {
  tenant: { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' },
  server: 'https://10.96.1.1:443',
  ca: 'CA',
  tokenKeys: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
}
const key = { ...tokenKeyOf(record.tokenKeys), record }

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenWith = (claims: object, header: object = { alg: 'RS256', kid: key.id }): string => {
  const signed = `${part(header)}.${part(claims)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), pair.privateKey).toString('base64url')}`
}

interface Ground {
  readonly decide: (token: string, ...subresources: string[]) => Promise<{ kind: string; status?: number }>
  readonly asked: { connection: KubeConnection; subresource: string }[]
  readonly time: { now: number }
  open: number
}

/** An access whose tenant's API server answers what `answer` says. */
const groundOf = (answer: (subresource: string) => boolean | Error): Ground => {
  const time = { now: 1_000_000 }
  const ground: Ground = {
    asked: [],
    time,
    open: 0,
    decide: (token, ...subresources) => access.decide(token, subresources),
  }
  const connect = (connection: KubeConnection) => {
    ground.open += 1
    return {
      create: async (_type: unknown, { spec }: KubeObject) => {
        const { subresource, resource, verb, name } = spec.resourceAttributes
        expect([verb, resource, name]).toEqual(['get', 'nodes', 'n1'])
        ground.asked.push({ connection, subresource })
        const allowed = answer(subresource)
        if (allowed instanceof Error) throw allowed
        return { metadata: {}, status: { allowed } }
      },
      close: async () => {
        ground.open -= 1
      },
    } as unknown as Pick<KubeClient, 'create' | 'close'>
  }
  const access = createTokenAccess({
    records: { byKeyId: (id) => (id === key.id ? key : undefined), hasSynced: true },
    connect,
    nodeName: 'n1',
    log: pino({ level: 'silent' }),
    now: () => time.now,
  })
  return ground
}
const live = tokenWith({ exp: 2_000 })

describe('a token', () => {
  test('is shown to the API server of the tenant that signed it, and to no other', async () => {
    const ground = groundOf(() => true)
    expect(await ground.decide(live, 'metrics')).toEqual({ kind: 'allowed', tenant: record.tenant })
    const [asked] = ground.asked
    expect(asked?.connection).toMatchObject({ server: record.server, ca: record.ca })
    expect(await asked?.connection.token?.()).toBe(live)
    expect(ground.open).toBe(0)
  })

  test('is enough with one of the rights', async () => {
    const ground = groundOf((subresource) => subresource === 'proxy')
    expect(await ground.decide(live, 'pods', 'proxy')).toMatchObject({ kind: 'allowed' })
    expect(ground.asked.map(({ subresource }) => subresource)).toEqual(['pods', 'proxy'])
    expect(await ground.decide(live, 'metrics')).toMatchObject({ status: 403 })
  })

  test.for<[name: string, token: string]>([
    ['expired', tokenWith({ exp: 999 })],
    ['with an end that is no number', tokenWith({ exp: 'never' })],
    ['of an unknown key', tokenWith({ exp: 2_000 }, { alg: 'RS256', kid: 'other' })],
    ['without a key', tokenWith({ exp: 2_000 }, { alg: 'RS256' })],
    ['of another algorithm', tokenWith({ exp: 2_000 }, { alg: 'HS256', kid: key.id })],
    ['with other claims', live.replace(/\.[^.]+\./, `.${part({ exp: 2_001 })}.`)],
    ['too long', tokenWith({ exp: 2_000, filler: 'x'.repeat(20_000) })],
    ['with a header that is no object', `${part(null)}.${part({})}.AAAA`],
    ['empty', ''],
  ])('%s is refused without a question', async ([, token]) => {
    const ground = groundOf(() => true)
    expect(await ground.decide(token, 'metrics')).toMatchObject({ kind: 'refused', status: 401 })
    expect(ground.asked).toEqual([])
  })

  test.for<[name: string, error: Error, status: number]>([
    ['that is revoked', new AppError('KUBE_UNAUTHORIZED', 'no'), 401],
    ['that may not even ask', new AppError('KUBE_FORBIDDEN', 'no'), 403],
    ['whose API server is away', new AppError('KUBE_UNREACHABLE', 'no'), 503],
    ['whose API server hangs', new AppError('KUBE_TIMEOUT', 'no'), 503],
  ])('%s', async ([, error, status]) => {
    const ground = groundOf(() => error)
    expect(await ground.decide(live, 'metrics')).toMatchObject({ kind: 'refused', status })
    expect(ground.open).toBe(0)
  })
})

describe('answers', () => {
  test('are remembered for ten seconds, each right on its own', async () => {
    const ground = groundOf((subresource) => subresource === 'metrics')
    await Promise.all([ground.decide(live, 'metrics'), ground.decide(live, 'metrics')])
    expect(await ground.decide(live, 'stats')).toMatchObject({ status: 403 })
    expect(ground.asked).toHaveLength(2)
    ground.time.now += 9_000
    await ground.decide(live, 'metrics')
    expect(ground.asked).toHaveLength(2)
    ground.time.now += 2_000
    await ground.decide(live, 'metrics')
    expect(ground.asked).toHaveLength(3)
  })

  test('a remembered token ends at its own end', async () => {
    const ground = groundOf(() => true)
    const short = tokenWith({ exp: 1_003 })
    expect(await ground.decide(short, 'metrics')).toMatchObject({ kind: 'allowed' })
    ground.time.now += 4_000
    expect(await ground.decide(short, 'metrics')).toMatchObject({ status: 401 })
  })

  test('that did not come are not remembered', async () => {
    const ground = groundOf(() => new AppError('KUBE_UNREACHABLE', 'no'))
    await ground.decide(live, 'metrics')
    await ground.decide(live, 'metrics')
    expect(ground.asked).toHaveLength(2)
  })

  test('a tenant with many tokens gets no more than its share', async () => {
    const ground = groundOf(() => true)
    const decisions = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ground.decide(tokenWith({ exp: 2_000, index }), 'metrics')),
    )
    expect(decisions.filter(({ kind }) => kind === 'allowed')).toHaveLength(30)
    expect(decisions.filter(({ status }) => status === 429)).toHaveLength(20)
    ground.time.now += 1_000
    expect(await ground.decide(tokenWith({ exp: 2_000, index: 99 }), 'metrics')).toMatchObject({ kind: 'allowed' })
  })
})

describe('the keys of a tenant', () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString()

  test('are two while they are rotated', () => {
    expect(tokenKeysOf(`${record.tokenKeys.trimEnd()}\n${other}`).map(({ id }) => id)).toEqual([key.id, tokenKeyOf(other).id])
    expect(tokenKeysOf(record.tokenKeys).map(({ id }) => id)).toEqual([key.id])
  })

  test.for([
    ['nothing', ''],
    ['what is no key', 'x'],
    ['a key that is not RSA', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()],
  ])('are refused when they are %s', ([, pem]) => {
    expect(() => tokenKeysOf(pem ?? '')).toThrow()
  })
})
