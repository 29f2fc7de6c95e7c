import { describe, expect, test } from 'vitest'
import { clusterPlan, maxClusters } from './plan.ts'

const planned = (index: number, name = 'demo', nodes = 2) => clusterPlan({ name, index, nodes, baseDir: '/var/lib/berth' })

describe('clusterPlan', () => {
  test('shares no name and no subnet between any two clusters', () => {
    const plans = Array.from({ length: maxClusters }, (_, index) => planned(index, `c${index}`, 9))
    const claimed = plans.flatMap((plan) => [
      plan.bridge,
      plan.bridgeCidr,
      plan.podCidr,
      plan.serviceCidr,
      plan.cgroupRoot,
      plan.stateDir,
      ...[plan.control, ...plan.nodes].flatMap(({ veth, ip, dir }) => [veth, ip, dir]),
      ...plan.nodes.flatMap(({ podCidr, cgroupRoot }) => [podCidr, cgroupRoot]),
    ])
    expect(new Set(claimed).size).toBe(claimed.length)
  })

  test('keeps names within what the kernel takes', () => {
    const plan = planned(maxClusters - 1, 'a-name-of-20-letters', 9)
    for (const link of [plan.bridge, ...plan.nodes.map(({ veth }) => veth)]) expect(link.length).toBeLessThanOrEqual(15)
    for (const { dir } of plan.nodes) expect(`${dir}/containerd.sock.ttrpc`.length).toBeLessThanOrEqual(107)
  })

  test.for<[name: string, given: Partial<Parameters<typeof clusterPlan>[0]>]>([
    ['a name that leads out of the folder', { name: '../etc' }],
    ['an empty name', { name: '' }],
    ['a name too long for sockets', { name: 'x'.repeat(21) }],
    ['no nodes', { nodes: 0 }],
    ['more nodes than addresses are planned for', { nodes: 10 }],
    ['more clusters than subnets are planned for', { index: maxClusters }],
  ])('refuses %s', ([, given]) => {
    expect(() => clusterPlan({ name: 'demo', index: 0, nodes: 2, baseDir: '/x', ...given })).toThrow()
  })
})
