import { expect, test } from 'vitest'
import { invalidFields } from './invalid-fields.ts'
import { tenantControlPlaneSpec } from './tenant-control-plane.ts'

test('what a schema does not know is told by its fields', () => {
  const { error } = tenantControlPlaneSpec.safeParse({ size: 'huge', apiServer: { replicas: 0 } })
  expect(error && invalidFields(error)).toMatch(/^size: .*small.*; apiServer\.replicas: /)
})
