import { expect, test } from 'vitest'
import { parseManifests, printManifests, stampImage, workloadsOf } from './stamp.ts'

const text = `
apiVersion: v1
kind: Namespace
metadata: { name: system }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: manager, namespace: system }
spec:
  template:
    metadata: { labels: { app: manager } }
    spec: { containers: [{ name: main, image: "example.org/berth:dev" }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: other, namespace: system }
spec:
  template:
    spec: { containers: [{ name: main, image: "example.org/other:1" }] }
`

test('another image content makes another pod template, and only for pods of that image', () => {
  const [namespace, manager, other] = parseManifests(text)
  const stamped = stampImage(parseManifests(text), 'example.org/berth:dev', 'sha256:one')
  expect(stamped[0]).toEqual(namespace)
  expect(stamped[2]).toEqual(other)
  expect(stamped[1]?.spec?.template?.metadata).toEqual({
    labels: { app: 'manager' },
    annotations: { 'berth.dev/image-digest': 'sha256:one' },
  })
  expect(manager?.spec?.template?.metadata?.annotations).toBeUndefined()
})

test('what is printed is read back equal', () => {
  expect(parseManifests(printManifests(parseManifests(text)))).toEqual(parseManifests(text))
})

test('an empty document is no object, and a namespace is no workload', () => {
  const objects = parseManifests(`---\n---\n${text}`)
  expect(objects).toHaveLength(3)
  expect(workloadsOf(objects).map(({ metadata }) => metadata.name)).toEqual(['manager', 'other'])
})
