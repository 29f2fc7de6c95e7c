import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { isolationProfiles, isolationSpec } from '../apis/isolation.ts'
import { type IsolationSettings, isolationSettings, profiles } from './isolation.ts'

const settings = (spec: z.input<typeof isolationSpec>): IsolationSettings => isolationSettings(isolationSpec.parse(spec))

describe('isolationSettings', () => {
  test('of nothing are those of baseline', () => {
    expect(settings({})).toEqual({ profile: 'baseline', nodePool: undefined, ...profiles.baseline })
  })

  test.for(isolationProfiles)('of profile %s are its own', (profile) => {
    expect(settings({ profile })).toEqual({ profile, nodePool: undefined, ...profiles[profile] })
  })

  test.for<[name: string, spec: z.input<typeof isolationSpec>, expected: object]>([
    [
      'one setting of pods leaves the others',
      { profile: 'restricted', pods: { pullAlways: false } },
      { pods: { ...profiles.restricted.pods, pullAlways: false } },
    ],
    [
      'another level takes its pods along',
      { profile: 'restricted', podSecurity: 'baseline' },
      { podSecurity: 'baseline', pods: profiles.baseline.pods, network: profiles.restricted.network },
    ],
    [
      'a setting counts for more than the level',
      { podSecurity: 'restricted', pods: { capabilities: ['SYS_PTRACE'] } },
      { pods: { ...profiles.restricted.pods, capabilities: ['SYS_PTRACE'] } },
    ],
    ['the network', { network: { egress: 'None' } }, { network: { ...profiles.baseline.network, egress: 'None' } }],
    ['no types of Services', { serviceTypes: [] }, { serviceTypes: [] }],
    [
      'a quota',
      { quota: { hard: { pods: '5' } } },
      { quota: { hard: { pods: '5' }, containerRequests: {}, containerLimits: {} } },
    ],
  ])('%s', ([, spec, expected]) => {
    expect(settings(spec)).toMatchObject(expected)
  })
})

describe('profiles', () => {
  test.for<[stricter: keyof typeof profiles, than: keyof typeof profiles]>([
    ['baseline', 'privileged'],
    ['restricted', 'baseline'],
  ])('%s allows nothing that %s does not', ([stricter, than]) => {
    const [a, b] = [profiles[stricter], profiles[than]]
    const isWithin = (some: readonly string[], others: readonly string[]) =>
      others.includes('*') || some.every((one) => others.includes(one))
    expect(isWithin(a.pods.capabilities, b.pods.capabilities)).toBe(true)
    expect(isWithin(a.pods.sysctls, b.pods.sysctls)).toBe(true)
    expect(isWithin(a.pods.tolerations, b.pods.tolerations)).toBe(true)
    expect(isWithin(a.serviceTypes, b.serviceTypes)).toBe(true)
    expect(b.pods.runAsNonRoot && !a.pods.runAsNonRoot).toBe(false)
    expect(a.pods.privilegeEscalation && !b.pods.privilegeEscalation).toBe(false)
  })
})
