import { expect, test } from 'vitest'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import type { Round } from '../steps.ts'
import { heldDisks } from './disks.ts'

const heldOf = (wanted: string, noted: string, reason?: string) => {
  const tenant = aTenantControlPlane({
    spec: { dataStore: { storageSize: noted } },
    ...(reason !== undefined && {
      status: {
        conditions: [
          {
            type: 'Growing',
            status: reason === 'Refused' ? 'False' : 'True',
            reason,
            message: 'as it was',
            observedGeneration: 1,
            lastTransitionTime: '2026-06-01T05:00:00Z',
          },
        ],
      },
    }),
  })
  const { dataStore } = tenant.spec
  const round = { tenant, plane: { spec: tenant.spec } } as Pick<Round, 'plane' | 'tenant'>
  const { condition } = heldDisks(round, { ...dataStore, storageSize: wanted })
  return condition && `${condition.reason}: ${condition.message}`
}

test.for<[name: string, wanted: string, noted: string, reason: string | undefined, said: string | undefined]>([
  ['nothing of disks that are as wanted', '2Gi', '2Gi', undefined, undefined],
  ['nothing of the same size in other words', '2048Mi', '2Gi', undefined, undefined],
  ['that they grow later', '10Gi', '2Gi', undefined, 'Waiting: disks grow to 10Gi when the tenant runs again'],
  ['that they go on growing later', '10240Mi', '10Gi', 'Growing', 'Waiting: disks grow to 10Gi when the tenant runs again'],
  ['to what they grow, not what is less', '5Gi', '10Gi', 'Growing', 'Waiting: disks grow to 10Gi when the tenant runs again'],
  ['what was refused', '1Gi', '2Gi', 'Refused', 'Refused: as it was'],
  ['what was refused of a larger size', '10Gi', '2Gi', 'Refused', 'Refused: as it was'],
])('a tenant at rest tells %s', ([, wanted, noted, reason, said]) => {
  expect(heldOf(wanted, noted, reason)).toBe(said)
})
