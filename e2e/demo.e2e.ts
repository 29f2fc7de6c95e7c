import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from '../hack/run.ts'
import { everything } from './support/inventory.ts'
import { getJson, superKubectl, world } from './support/kubectl.ts'
import { deleteTenants, type TenantStatus, tenantsNamespace } from './support/tenant.ts'

const script = join(import.meta.dirname, '../hack/demo.ts')

/** The demo as `make demo` runs it, on the cluster of the stories. */
const demo = (): Promise<string> =>
  run(process.execPath, [script, '--name', world().clusterName], { timeoutMs: 280_000, env: { NO_COLOR: '1' } })

/** Versions of all that does not move by itself. */
const versions = async (): Promise<Record<string, string>> => {
  const moving = ['Event', 'Lease', 'Pod', 'Node', 'EndpointSlice', 'Endpoints', 'IPAddress', 'ReplicaSet']
  const found = await everything(undefined, moving)
  return Object.fromEntries(
    found.map(({ kind, metadata }) => [`${kind} ${metadata.namespace ?? ''}/${metadata.name}`, metadata.resourceVersion]),
  )
}

describe('make demo', () => {
  afterAll(() => deleteTenants('acme'))

  test('leads from nothing to a tenant that is used, and tells how', async () => {
    const told = await demo()
    expect(told).toContain('http://web.shop.svc.cluster.local/hostname')
    expect(told).toMatch(/\$ kubectl exec -n shop deploy\/web .*\n +open-sesame\n +web-/)
    expect(told).toMatch(/\$ kubectl port-forward .*\n +Forwarding from 127\.0\.0\.1:\d+ -> 8080\n +web-/)
    expect(told).toMatch(/\d+\.\d s {2}in all/)
    expect(told).not.toContain('\u001b[')
    const { status } = await getJson<{ status: TenantStatus }>(superKubectl, ['tcp', 'acme', '-n', tenantsNamespace])
    expect(told).toMatch(new RegExp(`${status.timings['Ready']?.toFixed(1)} s {2}Ready`))
  })

  test('run again, changes nothing', async () => {
    const before = await versions()
    await demo()
    expect(await versions()).toEqual(before)
  })
})
