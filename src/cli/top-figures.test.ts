import { describe, expect, test } from 'vitest'
import { frozen } from '../testing/frozen.ts'
import { byNamespace, cpuText, memoryText, sortedFigures, type TenantFigures, usageOf } from './top-figures.ts'
import type { TopOrder } from './top-orders.ts'

const metrics = (namespace: string, ...containers: readonly (readonly [cpu: string, memory: string])[]) =>
  frozen({
    metadata: { name: 'a', namespace },
    containers: containers.map(([cpu, memory]) => ({ name: 'c', usage: { cpu, memory } })),
  })

describe('what pods use', () => {
  test('is the sum of its containers, in cores and bytes', () => {
    expect(usageOf(metrics('a', ['250m', '64Mi'], ['1', '1Gi']))).toEqual({ cpu: 1.25, memory: 64 * 2 ** 20 + 2 ** 30 })
    expect(usageOf(metrics('a', ['125000000n', '1024Ki'])).cpu).toBeCloseTo(0.125, 9)
  })
  test('is nothing where nothing can be read', () => {
    expect(usageOf({ metadata: {} })).toEqual({ cpu: 0, memory: 0 })
    expect(usageOf(metrics('a', ['much', '?']))).toEqual({ cpu: 0, memory: 0 })
  })
  test('by namespace', () => {
    const sums = byNamespace([metrics('a', ['1', '1Mi']), metrics('b', ['2', '1Mi']), metrics('a', ['3', '1Mi'])])
    expect(sums.get('a')?.cpu).toBe(4)
    expect(sums.get('b')?.cpu).toBe(2)
  })
  test('as text, as kubectl top has it', () => {
    expect(cpuText({ cpu: 0.0004, memory: 0 })).toBe('1m')
    expect(memoryText({ cpu: 0, memory: 64 * 2 ** 20 })).toBe('64Mi')
    expect([cpuText(undefined), memoryText(undefined)]).toEqual(['-', '-'])
  })
})

describe('the order', () => {
  const figures = (name: string, cpu: number, memory: number, pods: number | undefined, objects: number): TenantFigures => ({
    name,
    namespace: 'n',
    controlPlane: { cpu, memory: 0 },
    workload: { cpu: 0, memory },
    pods,
    objects,
  })
  const all = [figures('b', 1, 9, undefined, 5), figures('a', 1, 2, 0, 7), figures('c', 8, 1, 4, 7)]
  test.for<[by: TopOrder, names: string]>([
    ['name', 'abc'],
    ['cpu', 'cab'],
    ['memory', 'bac'],
    ['pods', 'cab'],
    ['objects', 'acb'],
  ])('by %s', ([by, names]) => {
    expect(
      sortedFigures(all, by)
        .map(({ name }) => name)
        .join(''),
    ).toBe(names)
  })
})
