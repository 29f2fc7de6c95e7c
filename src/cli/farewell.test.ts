import { expect, test } from 'vitest'
import { type FarewellFacts, farewellOf, farewellText } from './farewell.ts'

const plane = {
  metadata: { name: 'acme', namespace: 'tenants' },
  spec: {},
  status: { controlPlaneNamespace: 'berth-acme-x' },
} as unknown as FarewellFacts['plane']
const volume = (name: string, namespace: string, policy: string) => ({
  metadata: { name },
  spec: { claimRef: { namespace }, persistentVolumeReclaimPolicy: policy },
})
const snapshot = (name: string, tenantName: string, recipients?: readonly string[]) =>
  ({ metadata: { name }, spec: { tenantName, ...(recipients && { recipients }) } }) as unknown as NonNullable<
    FarewellFacts['snapshots']
  >[number]

test('what goes and what stays is of this tenant only', () => {
  const { goes, stays } = farewellOf({
    plane,
    superNamespaces: ['acme-shop-x', 'acme-default-x'],
    volumes: [
      volume('pv-1', 'acme-shop-x', 'Delete'),
      volume('pv-2', 'acme-shop-x', 'Retain'),
      volume('pv-3', 'other-shop-x', 'Retain'),
    ],
    snapshots: [snapshot('s1', 'acme'), snapshot('s2', 'acme', ['age1']), snapshot('s3', 'other')],
  })
  expect(goes[0]).toContain('namespace berth-acme-x')
  expect(goes[1]).toContain('2 namespaces')
  expect(goes[2]).toBe('1 volume: pv-1')
  expect(stays).toEqual([
    '1 volume with reclaim policy Retain: pv-2',
    '2 snapshots: s1, s2',
    expect.stringContaining('of the snapshots 1 cannot be cloned'),
  ])
})

test('where nothing stays that is said', () => {
  expect(farewellText('acme', farewellOf({ plane, superNamespaces: [], volumes: [], snapshots: [] }))).toMatch(
    /^With tenant acme goes:\n {2}- the control plane[^]*Nothing stays\.\n$/,
  )
})

test('of what could not be read only the rule is said', () => {
  const { stays } = farewellOf({ plane, superNamespaces: undefined, volumes: undefined, snapshots: undefined })
  expect(stays).toEqual(['volumes whose reclaim policy is Retain', 'its snapshots'])
})
