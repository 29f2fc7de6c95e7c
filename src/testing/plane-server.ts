import { tenantControlPlaneCrd } from '../apis/crd.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from './api-server.ts'
import { eventually } from './eventually.ts'

/** A management cluster that knows TenantControlPlanes, with these Service ranges. */
export const startPlaneServer = async (serviceRange: string): Promise<TestApiServer> => {
  const server = await startApiServer({ flags: [`--service-cluster-ip-range=${serviceRange}`] })
  await server.client.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await eventually(() => server.client.list(resourceTypes.tenantControlPlanes), { describe: 'the new resource' })
  return server
}
