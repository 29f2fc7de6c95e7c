import { expect, test } from 'vitest'
import { aTenantPod } from '../../testing/sync-builders.ts'
import { podDependencies } from './dependencies.ts'
import type { Pod } from './pod.ts'

const namesOf = (spec: Record<string, unknown>): string[] =>
  podDependencies(aTenantPod(spec) as Pod)
    .map(({ resource, name }) => `${resource}/${name}`)
    .toSorted()
const container = (fields: Record<string, unknown>) => ({ containers: [{ name: 'main', ...fields }] })
const volume = (source: Record<string, unknown>) => ({ volumes: [{ name: 'data', ...source }] })

test.for<[name: string, spec: Record<string, unknown>, wanted: string[]]>([
  ['nothing', {}, []],
  ['env', container({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }] }), ['configmaps/c']],
  [
    'optional env',
    container({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: true } } }] }),
    ['secrets/s'],
  ],
  [
    'envFrom',
    container({ envFrom: [{ configMapRef: { name: 'c' } }, { secretRef: { name: 's' } }] }),
    ['configmaps/c', 'secrets/s'],
  ],
  ['init containers', { initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 's' } }] }] }, ['secrets/s']],
  ['debug containers', { ephemeralContainers: [{ name: 'd', envFrom: [{ secretRef: { name: 's' } }] }] }, ['secrets/s']],
  ['configMap volume', volume({ configMap: { name: 'c', optional: true } }), ['configmaps/c']],
  ['secret volume', volume({ secret: { secretName: 's' } }), ['secrets/s']],
  ['claim', volume({ persistentVolumeClaim: { claimName: 'p' } }), ['persistentvolumeclaims/p']],
  ['ephemeral', volume({ ephemeral: { volumeClaimTemplate: {} } }), ['persistentvolumeclaims/web-data']],
  ['csi', volume({ csi: { driver: 'd', nodePublishSecretRef: { name: 's' } } }), ['secrets/s']],
  ['azureFile', volume({ azureFile: { secretName: 's' } }), ['secrets/s']],
  [
    'projections, but no tokens',
    volume({
      projected: {
        sources: [
          { configMap: { name: 'kube-root-ca.crt' } },
          { secret: { name: 's' } },
          { serviceAccountToken: { path: 'token' } },
        ],
      },
    }),
    ['configmaps/kube-root-ca.crt', 'secrets/s'],
  ],
  ['pull secrets', { imagePullSecrets: [{ name: 'reg' }, {}] }, ['secrets/reg']],
  [
    'each once',
    {
      ...container({ envFrom: [{ secretRef: { name: 's' } }] }),
      ...volume({ secret: { secretName: 's' } }),
      imagePullSecrets: [{ name: 's' }],
    },
    ['secrets/s'],
  ],
])('%s', ([, spec, wanted]) => {
  expect(namesOf(spec)).toEqual(wanted)
})
