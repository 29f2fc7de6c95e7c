import { describe, expect, test } from 'vitest'
import { nodeCredentialVolumes as toldVolumes } from '../../tenancy/pod-security-standards.ts'
import { knownFields, passingFields, refusedField, ruleOf } from './fields.ts'
import { podSpecFields } from './spec-fields.ts'
import { containerStatusFields } from './status-fields.ts'
import { nodeCredentialVolumes, volumeFields } from './volume-fields.ts'
import { secretRefFields } from './volumes.ts'

describe('refusedField', () => {
  test.for<[name: string, spec: object, field: string | undefined]>([
    ['takes known fields', { containers: [{ name: 'main' }], hostNetwork: true }, undefined],
    ['refuses a field with a reason', { schedulingGroup: { podGroupName: 'g' } }, 'schedulingGroup'],
    ['refuses a field nobody has thought about', { teleport: true }, 'teleport'],
    ['refuses what only looks like a row', { constructor: 'x' }, 'constructor'],
    [
      'refuses at any depth',
      { containers: [{ name: 'a' }, { name: 'b', livenessProbe: { httpGet: { port: 1, warp: 9 } } }] },
      'containers[b].livenessProbe.httpGet.warp',
    ],
    [
      'refuses a reason at any depth',
      { containers: [{ name: 'a', resources: { claims: [{ name: 'gpu' }] } }] },
      'containers[a].resources.claims',
    ],
    [
      'counts what has no name',
      { volumes: [{ name: 'v', projected: { sources: [{ secret: {} }, { hologram: {} }] } }] },
      'volumes[v].projected.sources[1].hologram',
    ],
    ['does not look into what is dropped', { overhead: { cpu: '1' }, evictionResponders: [{ warp: 9 }] }, undefined],
    ['passes over fields without a value', { schedulingGroup: null, resourceClaims: [], teleport: undefined }, undefined],
  ])('%s', ([, spec, field]) => {
    expect(refusedField(spec, podSpecFields.fields)?.field).toBe(field)
  })
})

test('passingFields leaves out what a rule rewrites, super decides or nobody knows', () => {
  expect(
    passingFields({ hostname: 'a', nodeName: 'n', priority: 7, teleport: 1, hostAliases: [] }, podSpecFields.fields),
  ).toEqual({
    hostname: 'a',
    hostAliases: [],
  })
})

test('knownFields leaves out what has no row, and copies nothing when there is none', () => {
  const known = { name: 'main', state: { running: { startedAt: 'now' } } }
  expect(knownFields(known, containerStatusFields.fields)).toBe(known)
  expect(
    knownFields({ ...known, aura: 1, state: { running: { startedAt: 'now', aura: 1 } } }, containerStatusFields.fields),
  ).toEqual(known)
})

test('knownFields leaves out what is refused', () => {
  const volumes = [{ name: 'v', emptyDir: {} }]
  expect(
    knownFields({ volumes, resourceClaims: [{ name: 'gpu' }], resources: { claims: ['gpu'] } }, podSpecFields.fields),
  ).toEqual({
    volumes,
    resources: {},
  })
})

test('every volume source that names a Secret has a rule for the name', () => {
  for (const [source, field] of Object.entries(secretRefFields)) {
    const rule = ruleOf(volumeFields.fields, source)
    const reference = rule?.of && ruleOf(rule.of.fields, field)
    expect([source, reference?.of && ruleOf(reference.of.fields, 'name')?.fate]).toEqual([source, 'translate'])
  }
})

test('volumes of the node’s credentials are those that are told at admission', () => {
  expect([...nodeCredentialVolumes].toSorted()).toEqual([...toldVolumes].toSorted())
})
