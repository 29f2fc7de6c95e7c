import { describe, expect, test } from 'vitest'
import { type ClosedFlags, closedApiServerFlags, closedControllerManagerFlags, flagRefusal } from '../../apis/closed-flags.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { aPlane } from '../../testing/plane-builders.ts'
import { extraFlags, flagsRefusal } from './extra-args.ts'
import { kubeApiServer } from './kube-apiserver.ts'
import { kubeControllerManager } from './kube-controller-manager.ts'
import type { Component } from './plane.ts'

const commandOf = (component: Component, spec: Record<string, unknown> = {}): string[] =>
  (component.desired(aPlane(spec))[0] as KubeObject).spec.template.spec.containers[0].command

describe('flags of a spec', () => {
  test.for<[name: string, component: Component, closed: readonly ClosedFlags[]]>([
    ['kube-apiserver', kubeApiServer, closedApiServerFlags],
    ['kube-controller-manager', kubeControllerManager, closedControllerManagerFlags],
  ])('may be none that Berth sets of %s', ([, component, closed]) => {
    const own = commandOf(component, { controllerManager: { replicas: 2 } })
      .slice(1)
      .map((flag) => flag.slice(2).split('=')[0] ?? '')
    expect(own.length).toBeGreaterThan(9)
    // Gates add up: a spec may set others beside Berth's own.
    const open = own.filter((name) => flagRefusal(name, closed) === undefined)
    expect(open).toEqual(component === kubeApiServer ? ['feature-gates'] : [])
  })

  test.for<[name: string, isRefused: boolean]>([
    ['event-ttl', false],
    ['v', false],
    ['no-such-flag', false],
    ['etcd-servers', true],
    ['etcd_servers', true],
    ['Etcd-Servers', true],
    ['--event-ttl', true],
    ['v=4 --etcd-servers', true],
    ['v\n--etcd-servers', true],
    ['', true],
    ['authorization-mode', true],
    ['audit-log-path', true],
    ['tls-cipher-suites', true],
    ['help', true],
  ])('%j refused: %s', ([name, isRefused]) => {
    expect(flagRefusal(name, closedApiServerFlags) !== undefined).toBe(isRefused)
  })

  test('stand behind those of Berth, in the order of their names', () => {
    const extraArgs = { v: '3', 'event-ttl': '2h' }
    for (const [component, spec] of [
      [kubeApiServer, { apiServer: { extraArgs } }],
      [kubeControllerManager, { controllerManager: { extraArgs } }],
    ] as const)
      expect(commandOf(component, spec)).toEqual([...commandOf(component), '--event-ttl=2h', '--v=3'])
    expect(extraFlags(undefined)).toEqual([])
  })

  test('that are refused are named, with why and what to do', () => {
    const spec = aPlane({
      apiServer: { extraArgs: { 'etcd-prefix': '/x' } },
      controllerManager: { extraArgs: { master: 'x' } },
    }).spec
    expect(flagsRefusal.apiServer(spec)).toMatch(
      /^spec\.apiServer\.extraArgs may not set "etcd-prefix": the data store.*\. Take it out$/,
    )
    expect(flagsRefusal.controllerManager(spec)).toMatch(/"master": Berth sets it/)
    expect(flagsRefusal.apiServer(aPlane({ apiServer: { extraArgs: { 'event-ttl': '2h' } } }).spec)).toBeUndefined()
  })

  test.for<[gates: string, refusal: RegExp | undefined]>([
    ['ContextualLogging=true', undefined],
    ['AllAlpha=true,AllBeta=false', undefined],
    ['ManifestBasedAdmissionControlConfig=false', /may not set ManifestBasedAdmissionControlConfig/],
    ['AllAlpha=true,kube:ManifestBasedAdmissionControlConfig=false', /may not set ManifestBasedAdmissionControlConfig/],
  ])('with the gates %s: %s', ([gates, refusal]) => {
    const said = flagsRefusal.apiServer(aPlane({ apiServer: { extraArgs: { 'feature-gates': gates } } }).spec)
    if (refusal) expect(said).toMatch(refusal)
    else expect(said).toBeUndefined()
  })
})
