import { expect, test } from 'vitest'
import { certificateUses } from '../../tenancy/certificate-uses.ts'
import { secretNames } from '../names.ts'
import { authoritySecrets, leafPlans } from './plan.ts'

test('there are words for each certificate and key of a tenant, and for no other', () => {
  const inputs = {
    tenant: { uid: 'u', name: 'acme', namespace: 'home' },
    namespace: 'berth-acme-x',
    slice: '10.96.4.0/24',
    clusterDomain: 'cluster.local',
    extraSANs: [],
    storeSigner: { kind: 'own' } as const,
  }
  const roots = [...Object.values(authoritySecrets).map((name) => `${name}/tls`), `${secretNames.serviceAccountKeys}/sa`]
  const leaves = leafPlans(inputs).map(({ secret, file }) => `${secret}/${file}`)
  expect(Object.keys(certificateUses).sort()).toEqual([...roots, ...leaves].sort())
})
