import { describe, expect, test } from 'vitest'
import { aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { tokenMode, tokenSources } from './tokens.ts'

const token = (source: Record<string, unknown> = {}) => ({ serviceAccountToken: { path: 'token', ...source } })
const projected = (name: string, ...sources: unknown[]) => ({ name, projected: { sources } })

describe('tokenSources', () => {
  test('finds every source of every volume, each under a key of its own', () => {
    const pod = aTenantPod({
      volumes: [
        projected('access', token({ expirationSeconds: 3607 }), { configMap: { name: 'kube-root-ca.crt' } }),
        { name: 'scratch', emptyDir: {} },
        projected(
          'vault',
          { configMap: { name: 'x' } },
          token({ audience: 'vault', path: 'a' }),
          token({ audience: 's3', path: 'b' }),
        ),
      ],
    })
    expect(tokenSources(pod)).toEqual([
      { key: 'access.0', audience: undefined, expirationSeconds: 3607 },
      { key: 'vault.1', audience: 'vault', expirationSeconds: 3600 },
      { key: 'vault.2', audience: 's3', expirationSeconds: 3600 },
    ])
  })

  test('finds none in a pod without volumes', () => {
    expect(tokenSources(aTenantPod())).toEqual([])
  })
})

describe('tokenMode', () => {
  test.for<[name: string, mode: number | undefined, spec: Record<string, unknown>, wanted: number | undefined]>([
    ["the volume's mode will do when others may read", 0o644, { securityContext: { runAsUser: 1000 } }, undefined],
    ['a group that owns the files will do', 0o400, { securityContext: { runAsUser: 1000, fsGroup: 2000 } }, undefined],
    ['root can read all', 0o400, { securityContext: { runAsUser: 0 } }, undefined],
    ['nobody in particular', 0o400, {}, undefined],
    ["the pod's user has to be let in", 0o400, { securityContext: { runAsUser: 1000 } }, 0o444],
    ['no mode given', undefined, { securityContext: { runAsUser: 1000 } }, undefined],
  ])('%s', ([, mode, spec, wanted]) => {
    expect(tokenMode(mode, aTenantPod(spec) as Pod)).toBe(wanted)
  })
})
