import { join } from 'node:path'
import { type Kubectl, kubectlFor } from '../../hack/cluster/kubectl.ts'
import { saveTenantKubeconfig } from '../../hack/demo/workbench.ts'
import { tenantReport } from '../../hack/diagnosis.ts'
import { apply, getJson, superKubectl, type Thing, world } from './kubectl.ts'
import { expectNoLeaks } from './no-leaks.ts'
import { waitFor } from './wait.ts'

/** Namespace of the stories' TenantControlPlane objects. */
export const tenantsNamespace = 'default'

/** A tenant that can be used. */
export interface Tenant {
  readonly name: string
  readonly uid: string
  readonly controlPlaneNamespace: string
  readonly kubeconfig: string
  /** kubectl as this tenant's administrator. */
  readonly kubectl: Kubectl
  readonly status: TenantStatus
  /** From the create request until the tenant's own API, with its own kubeconfig, had a default ServiceAccount. */
  readonly usableAfterSeconds: number
}

export interface TenantStatus {
  readonly version: string
  readonly endpoint: string
  readonly serviceSlice: string
  readonly controlPlaneNamespace: string
  readonly timings: Readonly<Record<string, number>>
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
}

export const tenantObject = (name: string, spec: object = {}): object => ({
  apiVersion: 'berth.dev/v1alpha1',
  kind: 'TenantControlPlane',
  metadata: { name, namespace: tenantsNamespace },
  spec,
})

/** Creates a tenant and waits until it can be used. One of the same name, left by a run that was cut off, goes first. */
export const createTenant = async (name: string, spec: object = {}, deadlineMs = 150_000): Promise<Tenant> => {
  await deleteTenants(name)
  const began = performance.now()
  await apply(superKubectl, tenantObject(name, spec))
  try {
    await superKubectl(
      ['wait', '--for=condition=Ready', `tcp/${name}`, '-n', tenantsNamespace, `--timeout=${deadlineMs / 1000}s`],
      { timeoutMs: deadlineMs + 10_000 },
    )
  } catch (error) {
    throw new Error(`tenant ${name} did not become Ready\n${await tenantReport(superKubectl, name)}`, { cause: error })
  }
  return openTenant(name, began)
}

/** A tenant that is Ready, with a kubectl of its own. `began`: when its creation was asked for, by `performance.now()`. */
export const openTenant = async (name: string, began: number): Promise<Tenant> => {
  const kubeconfig = join(world().dir, `${name}.kubeconfig`)
  await saveTenantKubeconfig(superKubectl, kubeconfig, name, tenantsNamespace)
  const kubectl = kubectlFor(world().kubectl, kubeconfig)
  // That it is Ready the manager has seen; the way from here may lead over another node.
  await waitFor(
    'the tenant from here',
    () => kubectl(['get', 'serviceaccount', 'default', '-n', 'default'], { timeoutMs: 10_000 }),
    {
      deadlineMs: 30_000,
    },
  )
  const usableAfterSeconds = (performance.now() - began) / 1000
  console.log(`tenant ${name} usable after ${usableAfterSeconds.toFixed(1)} s`)
  const object = await getJson<Thing & { status: TenantStatus }>(superKubectl, ['tcp', name, '-n', tenantsNamespace])
  const { status } = object
  return {
    name,
    uid: object.metadata.uid,
    controlPlaneNamespace: status.controlPlaneNamespace,
    kubeconfig,
    kubectl,
    status,
    usableAfterSeconds,
  }
}

/** Deletes tenants side by side and waits until they are gone. While their keys are there, it is looked whether anybody said them. */
export const deleteTenants = async (...names: readonly string[]): Promise<void> => {
  if (names.length === 0) return
  const there = await superKubectl(['get', 'tcp', ...names, '-n', tenantsNamespace, '--ignore-not-found', '-o', 'name'])
  const told = there.trim() === '' ? undefined : await expectNoLeaks().catch((error: unknown) => error)
  const deadlineMs = 120_000
  try {
    await superKubectl(
      ['delete', 'tcp', ...names, '-n', tenantsNamespace, '--ignore-not-found', '--wait', `--timeout=${deadlineMs / 1000}s`],
      { timeoutMs: deadlineMs + 10_000 },
    )
  } catch (error) {
    const reports = await Promise.all(names.map((name) => tenantReport(superKubectl, name)))
    throw new Error(`deleting tenants ${names.join(', ')} did not end\n${reports.join('\n')}`, { cause: error })
  }
  if (told instanceof Error) throw told
}
