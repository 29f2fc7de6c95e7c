import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { demandsOn } from './demands.ts'
import { withinRules } from './hardening.ts'
import type { V1PodSpec } from './json-types.ts'
import type { AnyContainer, Pod } from './pod.ts'
import { superSpec } from './super-spec.ts'

type Isolation = NonNullable<Parameters<typeof aSyncContext>[0]>['isolation']

const hardened = (spec: Record<string, unknown>, isolation: Isolation): V1PodSpec =>
  superSpec(aTenantPod(spec) as Pod, aSyncContext({ isolation })) as unknown as V1PodSpec
const main = (fields: Record<string, unknown>) => ({ containers: [{ name: 'main', image: 'i:1', ...fields }] })
const seccompProfile = { type: 'RuntimeDefault' }

describe('a pod that says nothing of security', () => {
  test('gets nothing at privileged', () => {
    const spec = hardened({}, { profile: 'privileged' })
    expect([spec.securityContext, spec.hostUsers, spec.containers[0]?.securityContext]).toEqual([undefined, undefined, undefined])
  })

  test("gets the runtime's seccomp profile at baseline", () => {
    const spec = hardened(main({ imagePullPolicy: 'IfNotPresent' }), { profile: 'baseline' })
    expect(spec.securityContext).toEqual({ seccompProfile })
    expect(spec.containers[0]).toMatchObject({ imagePullPolicy: 'IfNotPresent' })
    expect(spec.containers[0]?.securityContext).toBeUndefined()
  })

  test('runs hardened at restricted', () => {
    const spec = hardened(
      {
        ...main({ imagePullPolicy: 'IfNotPresent' }),
        initContainers: [{ name: 'init', image: 'i:1' }],
        volumes: [{ name: 'data', image: { reference: 'r:1', pullPolicy: 'IfNotPresent' } }],
      },
      { profile: 'restricted' },
    )
    expect(spec.securityContext).toEqual({ runAsNonRoot: true, seccompProfile })
    for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
      expect(container).toMatchObject({
        imagePullPolicy: 'Always',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      })
    }
    expect(spec.volumes?.[0]?.image?.pullPolicy).toBe('Always')
  })

  test('has what single settings say, whatever the profile', () => {
    const pods = { userNamespaces: true, privilegeEscalation: false, runAsNonRoot: true, seccomp: 'Unconfined' as const }
    const spec = hardened({}, { profile: 'privileged', pods })
    expect([spec.hostUsers, spec.securityContext]).toEqual([false, { runAsNonRoot: true }])
    expect(spec.containers[0]?.securityContext).toEqual({ allowPrivilegeEscalation: false })
  })

  test('gets what the level asks for also where a setting does not', () => {
    const pods = { privilegeEscalation: true, runAsNonRoot: false, seccomp: 'Unconfined' as const }
    const spec = hardened({}, { profile: 'restricted', pods })
    expect(spec.securityContext).toEqual({ runAsNonRoot: true, seccompProfile })
    expect(spec.containers[0]?.securityContext?.allowPrivilegeEscalation).toBe(false)
  })
})

describe('what a pod says itself stays', () => {
  test('beside what it does not say', () => {
    const localhost = { type: 'Localhost', localhostProfile: 'audit.json' }
    const spec = hardened(
      {
        ...main({
          securityContext: { readOnlyRootFilesystem: true, capabilities: { add: ['NET_BIND_SERVICE'], drop: ['KILL'] } },
        }),
        securityContext: { runAsUser: 1000, seccompProfile: localhost },
      },
      { profile: 'restricted' },
    )
    expect(spec.securityContext).toEqual({ runAsUser: 1000, runAsNonRoot: true, seccompProfile: localhost })
    expect(spec.containers[0]?.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
    })
  })

  test('in a Windows pod, which may set none of the fields of Linux', () => {
    const spec = hardened({ ...main({}), os: { name: 'windows' } }, { profile: 'restricted', pods: { userNamespaces: true } })
    expect([spec.securityContext, spec.hostUsers, spec.containers[0]?.securityContext]).toEqual([
      { runAsNonRoot: true },
      undefined,
      undefined,
    ])
  })
})

describe('a debug container', () => {
  const within = (fields: Record<string, unknown>, isolation: Isolation) =>
    withinRules<AnyContainer>(
      { name: 'debug', image: 'busybox', ...fields },
      demandsOn({}, aSyncContext({ isolation }).isolation),
    )

  test('stays as it is where it may', () => {
    const container = { name: 'debug', image: 'busybox', securityContext: { privileged: true } }
    expect(within({ securityContext: { privileged: true } }, { profile: 'privileged' })).toEqual({ container, left: [] })
  })

  test('goes without all that is not allowed, and only that', () => {
    const securityContext = {
      privileged: true,
      runAsUser: 0,
      runAsGroup: 7,
      procMount: 'Unmasked',
      seccompProfile: { type: 'Unconfined' },
      capabilities: { add: ['SYS_PTRACE', 'NET_BIND_SERVICE'], drop: ['KILL'] },
    }
    const { container, left } = within({ securityContext, imagePullPolicy: 'Never' }, { profile: 'restricted' })
    expect(container.securityContext).toEqual({ runAsGroup: 7, capabilities: { add: ['NET_BIND_SERVICE'], drop: ['KILL'] } })
    expect(left.toSorted()).toEqual([
      'capabilities.add: SYS_PTRACE',
      'imagePullPolicy: Never',
      'privileged: true',
      'procMount: Unmasked',
      'runAsUser: 0',
      'seccompProfile.type: Unconfined',
    ])
  })
})
