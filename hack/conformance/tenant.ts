import { dirname, join } from 'node:path'
import type { LocalCluster } from '../cluster/index.ts'
import { kubectlFor } from '../cluster/kubectl.ts'
import { waitReady } from '../demo/wait-ready.ts'
import { saveTenantKubeconfig } from '../demo/workbench.ts'
import type { Progress } from '../progress.ts'

/** Makes a tenant, or changes it to this spec, and gives its kubeconfig's path once it is Ready. */
export const ensureTenant = async (
  cluster: LocalCluster,
  { name, spec }: { readonly name: string; readonly spec: object },
  progress: Progress,
): Promise<string> => {
  const { kubectl: program } = cluster.binaries
  const kubectl = kubectlFor(program, cluster.kubeconfigPath)
  const object = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name, namespace: 'default' },
    spec,
  }
  await kubectl(['apply', '--server-side', '--field-manager=berth-conformance', '-f', '-'], { input: JSON.stringify(object) })
  await waitReady({ kubectl: program, kubeconfig: cluster.kubeconfigPath, name }, progress)
  const path = join(dirname(cluster.kubeconfigPath), `${name}.kubeconfig`)
  await saveTenantKubeconfig(kubectl, path, name)
  return path
}
