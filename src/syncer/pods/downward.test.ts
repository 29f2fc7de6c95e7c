import { describe, expect, test } from 'vitest'
import { aTenantPod } from '../../testing/sync-builders.ts'
import { downwardMarks, superFieldRef } from './downward.ts'
import type { Pod } from './pod.ts'

const metadata = {
  labels: { app: 'web', 'berth.dev/tenant': 'mine' },
  annotations: { note: 'hello', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
}
const podReading = (...fieldPaths: string[]): Pod =>
  aTenantPod(
    {
      serviceAccountName: 'builder',
      containers: [
        {
          name: 'main',
          env: fieldPaths.map((fieldPath, index) => ({ name: `V${index}`, valueFrom: { fieldRef: { fieldPath } } })),
        },
      ],
    },
    { metadata },
  ) as Pod
const readBy = (fieldPath: string): string => superFieldRef({ apiVersion: 'v1', fieldPath }, podReading(fieldPath)).fieldPath

describe('superFieldRef', () => {
  test.for<[fieldPath: string, inSuper: string]>([
    ['metadata.name', 'metadata.name'],
    ['metadata.namespace', "metadata.annotations['berth.dev/namespace']"],
    ['metadata.uid', "metadata.annotations['berth.dev/uid']"],
    ['metadata.labels', "metadata.annotations['berth.dev/labels']"],
    ['metadata.annotations', "metadata.annotations['berth.dev/annotations']"],
    ['spec.serviceAccountName', "metadata.annotations['berth.dev/service-account']"],
    ["metadata.labels['app']", "metadata.labels['app']"],
    ['spec.nodeName', 'spec.nodeName'],
    ['status.podIP', 'status.podIP'],
    ['status.podIPs', 'status.podIPs'],
    ['status.hostIP', 'status.hostIP'],
  ])('%s is read from %s', ([fieldPath, inSuper]) => {
    expect(readBy(fieldPath)).toBe(inSuper)
  })

  test("annotations, labels that steer super and keys of Berth's domain are read from marks of their own, never from Berth's values", () => {
    for (const path of [
      "metadata.annotations['note']",
      "metadata.labels['sidecar.istio.io/inject']",
      "metadata.labels['berth.dev/tenant']",
      "metadata.annotations['berth.dev/wanted-hash']",
    ]) {
      expect(readBy(path)).toMatch(/^metadata\.annotations\['downward\.berth\.dev\/[a-z2-7]{24}'\]$/)
    }
  })
})

describe('downwardMarks', () => {
  test('has none for a pod that reads nothing', () => {
    expect(downwardMarks(podReading('metadata.name', 'metadata.namespace', 'status.podIP'))).toEqual({})
  })

  test('carries whole maps as the kubelet writes them', () => {
    expect(downwardMarks(podReading('metadata.labels', 'metadata.annotations', 'spec.serviceAccountName'))).toEqual({
      'berth.dev/labels': 'app="web"\nberth.dev/tenant="mine"',
      'berth.dev/annotations': 'kubectl.kubernetes.io/last-applied-configuration="{}"\nnote="hello"',
      'berth.dev/service-account': 'builder',
    })
  })

  test("carries the tenant's own values of keys that do not go down", () => {
    const values = (path: string) => Object.values(downwardMarks(podReading(path)))
    expect(values("metadata.labels['berth.dev/tenant']")).toEqual(['mine'])
    expect(values("metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']")).toEqual(['{}'])
    expect(values("metadata.annotations['berth.dev/uid']")).toEqual([''])
    expect(values("metadata.annotations['note']")).toEqual(['hello'])
  })

  test('reads volumes, projections, init and debug containers as well', () => {
    const item = { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }
    const env = [{ name: 'SA', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } }]
    for (const spec of [
      { volumes: [{ name: 'info', downwardAPI: { items: [item] } }] },
      { volumes: [{ name: 'info', projected: { sources: [{ downwardAPI: { items: [item] } }] } }] },
      { initContainers: [{ name: 'init', env }] },
      { ephemeralContainers: [{ name: 'debug', env }] },
    ]) {
      expect(Object.keys(downwardMarks(aTenantPod(spec, { metadata }) as Pod))).toHaveLength(1)
    }
  })
})
