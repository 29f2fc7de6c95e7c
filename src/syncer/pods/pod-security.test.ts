import { describe, expect, test } from 'vitest'
import { podSecurityCases } from '../../testing/pod-security-cases.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { podRefusal } from './refusal.ts'

type Isolation = NonNullable<Parameters<typeof aSyncContext>[0]>['isolation']

const refusalOf = (spec: Readonly<Record<string, unknown>>, isolation: Isolation) =>
  podRefusal(aTenantPod(spec) as Pod, aSyncContext({ isolation }))
const context = (securityContext: object) => ({ containers: [{ name: 'main', image: 'i:1', securityContext }] })

describe.for(['baseline', 'restricted'] as const)('at %s', (level) => {
  test.for(podSecurityCases.map((each) => [each[level], each.name, each] as const))('%s: %s', ([verdict, , { spec }]) => {
    const refusal = refusalOf(spec, { profile: level })
    expect(refusal?.reason).toEqual(
      verdict === 'runs' ? undefined : expect.stringMatching(/^(PodSecurityViolation|PullPolicyNotAllowed)$/),
    )
    if (verdict === 'refused') expect(refusal?.message).toMatch(/ is not allowed: .*the platform's operator sets/)
  })
})

test.for(podSecurityCases.map(({ name, spec }) => [name, spec] as const))('at privileged: %s runs', ([, spec]) => {
  expect(refusalOf(spec, { profile: 'privileged' })).toBeUndefined()
})

describe('a refusal says what was asked, what holds, and by which setting', () => {
  test.for<[name: string, spec: Record<string, unknown>, isolation: Isolation, message: RegExp]>([
    [
      'the level',
      context({ capabilities: { add: ['SYS_PTRACE'] } }),
      {},
      /^spec\.containers\[main\]\.securityContext\.capabilities\.add: SYS_PTRACE is not allowed: .*Pod Security level baseline \(spec\.isolation\.podSecurity /,
    ],
    [
      'a shorter list of capabilities than that of the level',
      context({ capabilities: { add: ['CHOWN', 'KILL'] } }),
      { pods: { capabilities: ['CHOWN'] } },
      /add: KILL is not allowed: containers here add only CHOWN \(spec\.isolation\.pods\.capabilities /,
    ],
    [
      'a longer list than that of the level, which counts all the same',
      context({ capabilities: { add: ['NET_ADMIN'] } }),
      { pods: { capabilities: ['NET_ADMIN'] } },
      /NET_ADMIN is not allowed: .*level baseline/,
    ],
    [
      'no capabilities',
      context({ capabilities: { add: ['SYS_TIME'] } }),
      { profile: 'privileged', pods: { capabilities: [] } },
      /containers here add no capabilities/,
    ],
    ['users', { securityContext: { runAsUser: 0 } }, { pods: { runAsNonRoot: true } }, /runAsUser: 0 .*pods\.runAsNonRoot/],
    [
      'escalation',
      context({ allowPrivilegeEscalation: true }),
      { pods: { privilegeEscalation: false } },
      /allowPrivilegeEscalation: true .*pods\.privilegeEscalation/,
    ],
    [
      'escalation, of which a privileged container has no need',
      context({ privileged: true }),
      { profile: 'privileged', pods: { privilegeEscalation: false } },
      /privileged: true .*pods\.privilegeEscalation/,
    ],
    [
      'escalation, which the API wants with this capability',
      context({ capabilities: { add: ['CAP_SYS_ADMIN'] } }),
      { profile: 'privileged', pods: { privilegeEscalation: false } },
      /CAP_SYS_ADMIN .*pods\.privilegeEscalation/,
    ],
    ["the host's users", { hostUsers: true }, { pods: { userNamespaces: true } }, /spec\.hostUsers: true .*pods\.userNamespaces/],
    [
      "the host's network in a user namespace",
      { hostNetwork: true },
      { profile: 'privileged', pods: { userNamespaces: true } },
      /spec\.hostNetwork .*pods\.userNamespaces/,
    ],
    [
      'a sysctl beyond the list',
      { securityContext: { sysctls: [{ name: 'kernel/msgmax', value: '1' }] } },
      { profile: 'privileged', pods: { sysctls: ['net.core.*'] } },
      /sysctls: kernel\/msgmax .*pods\.sysctls/,
    ],
    [
      'pulls',
      { containers: [{ name: 'main', image: 'i:1', imagePullPolicy: 'Never' }] },
      { pods: { pullAlways: true } },
      /spec\.containers\[main\]\.imagePullPolicy: Never .*pods\.pullAlways/,
    ],
  ])('%s', ([, spec, isolation, message]) => {
    expect(refusalOf(spec, isolation)?.message).toMatch(message)
  })

  test('a sysctl of the list runs where the level has none', () => {
    const spec = { securityContext: { sysctls: [{ name: 'net/core/somaxconn', value: '1024' }] } }
    expect(refusalOf(spec, { profile: 'privileged', pods: { sysctls: ['net.core.*'] } })).toBeUndefined()
  })

  test('root in a user namespace runs at restricted when the operator takes the setting back', () => {
    const spec = { securityContext: { runAsUser: 0 } }
    const pods = { runAsNonRoot: false, userNamespaces: true }
    expect(refusalOf(spec, { profile: 'restricted', pods })).toBeUndefined()
    expect(refusalOf(spec, { profile: 'restricted', pods: { runAsNonRoot: false } })?.message).toMatch(/level restricted/)
  })
})
