import { expect, test } from 'vitest'
import { frozen } from '../testing/frozen.ts'
import { clonedSpec } from './cloned-spec.ts'

const dedicated = { dataStore: { kind: 'dedicated' } }

test.for<[name: string, stored: object | undefined, wanted: object]>([
  ['of one that says nothing, a store of its own', {}, dedicated],
  ['of one without a spec, nothing', undefined, {}],
  [
    'the plan and its limits',
    {
      className: 'gold',
      size: 'large',
      isolation: { podSecurity: 'restricted' },
      sync: { nodeSelector: { pool: 'a' } },
      backup: { keep: 3 },
    },
    {
      className: 'gold',
      size: 'large',
      isolation: { podSecurity: 'restricted' },
      sync: { nodeSelector: { pool: 'a' } },
      backup: { keep: 3 },
      ...dedicated,
    },
  ],
  [
    'how its store is made, and not where it is',
    { dataStore: { kind: 'external', endpoints: ['https://a:1'], secretName: 'a', storageSize: '9Gi', replicas: 3 } },
    { dataStore: { kind: 'dedicated', storageSize: '9Gi', replicas: 3 } },
  ],
  [
    'not its addresses',
    { network: { serviceSlice: '10.96.4.0/24', clusterDomain: 'a.b' } },
    { network: { clusterDomain: 'a.b' }, ...dedicated },
  ],
  [
    'not what it asked for once',
    { upgrade: { requestedAt: 'now', timeoutSeconds: 90 } },
    { upgrade: { timeoutSeconds: 90 }, ...dedicated },
  ],
  [
    'no names, keys, flags and restores',
    {
      version: 'v1.36.3',
      state: 'Paused',
      apiServer: { extraSANs: ['a.b'], exposure: { type: 'NodePort' } },
      certificates: { cutover: 'x' },
      restore: { snapshotName: 'a' },
      cloneFrom: { snapshotName: 'b' },
    },
    dedicated,
  ],
])('a clone takes over %s', ([, stored, wanted]) => {
  expect(clonedSpec(frozen(stored))).toEqual(wanted)
})
