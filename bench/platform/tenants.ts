import { conditionTypes } from '../../src/apis/conditions.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import { inFlight } from '../in-flight.ts'
import type { Stage } from './stage.ts'
import { organization } from './world.ts'

const type = resourceTypes.tenantControlPlanes
const writesAtOnce = 16

/** What the manager says of a tenant that serves, as long as it is in life. */
export const servingStatus = (name: string) => {
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    observedGeneration: 1,
    version: 'v1.37.1',
    endpoint: `https://${name}.tenants.example.com:6443`,
    serviceSlice: '10.96.12.0/24',
    kubeconfigSecret: `${name}-kubeconfig`,
    controlPlaneNamespace: `berth-${name}-abcdefghijklmnop`,
    timings: { CertificatesReady: 0.4, DataStoreReady: 2.6, APIServerReady: 6.2, DNSReady: 8.1, Ready: 8.9 },
    conditions: conditionTypes.map((condition) => ({
      type: condition,
      status: 'True',
      reason: 'Available',
      message: 'all replicas are available and answered the last request through the published endpoint',
      observedGeneration: 1,
      lastTransitionTime,
    })),
  }
}

export const tenantBody = (name: string) => ({
  apiVersion: `${type.group}/${type.version}`,
  kind: type.kind,
  metadata: { name, namespace: organization, labels: { team: 'blue' } },
  spec: {},
})

export const listedName = (index: number): string => `tenant-${String(index).padStart(4, '0')}`

/** Makes the tenants that are listed, each with a status; those that are there are left. */
export const makeListed = async ({ world, options, progress }: Stage): Promise<void> => {
  const { management } = world
  const { kube } = management
  const { items } = await kube.list(type, { namespace: organization, metadataOnly: true })
  const there = new Set(items.map(({ metadata }) => metadata.name))
  if (there.size === 0) progress(`making ${options.tenants} tenants`)
  await inFlight(options.tenants, writesAtOnce, async (index) => {
    const name = listedName(index)
    if (there.has(name)) return
    await kube.create(type, tenantBody(name))
    await management.setStatus(organization, name, servingStatus(name))
  })
}

/** Takes tenants away again, so that the list stays as long as it was. */
export const removeTenants = async ({ world }: Stage, names: readonly string[]): Promise<void> => {
  const { kube } = world.management
  await inFlight(names.length, writesAtOnce, async (index) => {
    await kube.delete(type, { name: names[index] ?? '', namespace: organization })
  })
}
