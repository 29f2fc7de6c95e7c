import { expect, test } from 'vitest'
import { customResource } from '../resources/custom-kinds.ts'
import { syncedResources } from '../resources/index.ts'
import { kindOfWord } from './kind-words.ts'

const widgets = customResource({ group: 'example.com', version: 'v1', plural: 'services', kind: 'Service' })
const resources = [...syncedResources, widgets]

const meant = (word: string): string => {
  const known = kindOfWord(word, resources)
  switch (known?.kind) {
    case 'down':
      return `down ${known.resource.type.plural}.${known.resource.type.group}`
    case 'up':
      return `up ${known.type.plural}`
    case 'none':
      return `none ${known.why}`
    case undefined:
      return 'unknown'
  }
}

test.for<[word: string, kind: string]>([
  ['pods', 'down pods.'],
  ['pod', 'down pods.'],
  ['Pod', 'down pods.'],
  ['po', 'down pods.'],
  ['svc', 'down services.'],
  ['services.example.com', 'down services.example.com'],
  ['ingresses', 'down ingresses.networking.k8s.io'],
  ['netpol', 'down networkpolicies.networking.k8s.io'],
  ['node', 'up nodes'],
  ['sc', 'up storageclasses'],
  ['deployment', "none the tenant's own control plane does all there is to do"],
  ['resourceclaims', 'none it is stored, and nothing acts on it'],
  ['event', 'none what super says of an object that went down'],
  ['widget', 'unknown'],
])('%s means %s', ([word, kind]) => {
  expect(meant(word)).toMatch(kind)
})
