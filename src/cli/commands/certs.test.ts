import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Condition } from '../../apis/conditions.ts'
import { createTestPki } from '../../testing/test-pki.ts'
import { type CertificateRow, certificateRows } from './certs-list.ts'
import { rotationProgress, rotationSpecOf } from './certs-rotate.ts'

let rows: readonly CertificateRow[]
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-certs-'))
  try {
    const pki = await createTestPki(folder)
    const { clientCert, clientKey } = await pki.client('berth:admin', ['berth:tenant-admins'])
    const caKey = await readFile(join(folder, 'ca.key'), 'utf8')
    const secret = (name: string, texts: Record<string, string>) => ({
      metadata: { name },
      data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
    })
    rows = certificateRows([
      secret('admin-client', { 'client.crt': clientCert, 'client.key': clientKey }),
      secret('cluster-ca', { 'tls.crt': pki.ca, 'tls.key': caKey, generation: '3' }),
      secret('service-account-keys', {
        'sa.pub': 'PUBLIC',
        'sa.key': 'PRIVATE',
        'old.pub': 'OLD',
        'old.key': 'PRIVATE',
        generation: '2',
      }),
      secret('kube-controller-manager-keys', {
        'cluster-ca.crt': pki.ca,
        'cluster-ca.key': caKey,
        'client.crt': clientCert,
        'client.key': clientKey,
        'sa.key': 'PRIVATE',
        kubeconfig: 'x',
      }),
      secret('encryption-key', { key: 'PRIVATE' }),
      secret('broken', { 'x.crt': 'no certificate', 'x.key': 'PRIVATE' }),
    ])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

describe('berth certs list', () => {
  test('shows roots first, with their generations, and what each certificate is of', () => {
    expect(rows.map(({ name, generation }) => `${name} ${generation}`)).toEqual([
      'cluster-ca/tls 3',
      'service-account-keys/old 1',
      'service-account-keys/sa 2',
      'admin-client/client 3',
      'kube-controller-manager-keys/client 3',
    ])
    expect(rows[3]).toMatchObject({
      use: 'administrators, in the published kubeconfig',
      subject: 'O=berth:tenant-admins, CN=berth:admin',
    })
    expect(rows[1]?.use).toBe('signs service-account tokens (still trusted, issues no more)')
  })

  test('says when a certificate is renewed, two thirds into its life', () => {
    const { validUntil = '', renewedFrom = '' } = rows[3] ?? {}
    expect((Date.parse(validUntil) - Date.parse(renewedFrom)) / 86_400_000).toBeCloseTo(10, 3)
    expect(rows[0]?.renewedFrom).toBeUndefined()
  })

  test('shows nothing that is secret', () => {
    expect(JSON.stringify(rows)).not.toMatch(/PRIVATE|BEGIN/)
  })
})

describe('berth certs rotate', () => {
  const at = (generation: number) => ({ generation, old: 'CutNow' as const })
  const certificates = { authorities: at(2), serviceAccountKeys: at(5) }
  const next = (generation: number) => ({ generation, old: 'Trust' })
  test.for<[name: string, chosen: { authorities?: boolean; serviceAccountKeys?: boolean }, spec: object]>([
    ['both without a choice', {}, { authorities: next(3), serviceAccountKeys: next(6) }],
    ['both', { authorities: true, serviceAccountKeys: true }, { authorities: next(3), serviceAccountKeys: next(6) }],
    ['the authorities', { authorities: true }, { authorities: next(3) }],
    ['the keys of tokens', { serviceAccountKeys: true }, { serviceAccountKeys: next(6) }],
  ])('%s: one generation more, and trust', ([, chosen, spec]) => {
    expect(rotationSpecOf(certificates, chosen)).toEqual(spec)
  })
  test('an object of before there were rotations gets the second generation', () => {
    expect(rotationSpecOf(undefined, { authorities: true })).toEqual({ authorities: next(2) })
  })
})

test.for<[goal: 'issuing' | 'cut', generation: number, reason: string | undefined, wanted: string]>([
  ['issuing', 4, 'OldTrusted', 'under way'],
  ['issuing', 3, 'TrustingBoth', 'under way'],
  ['issuing', 3, 'OldTrusted', 'there'],
  ['issuing', 3, 'RotationRefused', 'refused'],
  ['cut', 3, 'OldTrusted', 'under way'],
  ['cut', 3, 'WaitingToCut', 'under way'],
  ['cut', 3, 'Cutting', 'under way'],
  ['cut', 3, undefined, 'there'],
  ['cut', 4, undefined, 'under way'],
])('waiting for %s of generation %i while the manager says %s: %s', ([goal, generation, reason, wanted]) => {
  const condition: Condition = { type: 'RotatingCA', status: 'True', reason: reason ?? '', message: 'm', lastTransitionTime: '' }
  const status = { observedGeneration: 3, conditions: reason === undefined ? [] : [condition] }
  expect(rotationProgress({ metadata: { generation }, status }, goal).kind).toBe(wanted)
})
