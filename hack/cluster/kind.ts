import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensureBinaries } from '../binaries.ts'
import { cacheDir } from '../cache.ts'
import { tenantImages } from '../images/local-images.ts'
import type { ImageArchive } from '../images/oci-image.ts'
import { type Progress, silent } from '../progress.ts'
import { attempt, run } from '../run.ts'
import { describeByApi } from './existing.ts'
import type { LocalCluster, Provider } from './provider.ts'

const kindName = (name: string): string => `berth-${name}`
const kubeconfigPath = (name: string): string => join(cacheDir(), 'kind', `${name}.kubeconfig`)
const serviceCidr = '10.96.0.0/16'

/** One control plane and the wanted number of workers. JSON is YAML. */
const config = (nodes: number): string =>
  JSON.stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    networking: { serviceSubnet: serviceCidr },
    nodes: [{ role: 'control-plane' }, ...Array.from({ length: nodes }, () => ({ role: 'worker' }))],
  })

const exists = async (kind: string, name: string): Promise<boolean> =>
  (await run(kind, ['get', 'clusters'])).split('\n').includes(kindName(name))

/** Names and digests of images cannot be asked for in a common form, so what was loaded is remembered by the nodes' container. */
const load = async (kind: string, name: string, archives: readonly ImageArchive[]): Promise<void> => {
  const node = `${kindName(name)}-control-plane`
  for (const { tar, digest } of archives) {
    const mark = `/var/lib/berth-images/${digest.replace(':', '-')}`
    if ((await attempt('docker', ['exec', node, 'test', '-e', mark])).ok) continue
    await run(kind, ['load', 'image-archive', tar, '--name', kindName(name)], { timeoutMs: 300_000 })
    await run('docker', ['exec', node, 'sh', '-c', `mkdir -p ${dirname(mark)} && touch ${mark}`])
  }
}

/** Lets this machine reach Service addresses, as the kubectl of a tenant does. Only Linux has the nodes' network at hand, and only root may. */
const routeServices = async (name: string, { nodes }: LocalCluster, progress: Progress): Promise<void> => {
  const via = nodes[0]?.ip
  const routed = via ? (await attempt('ip', ['route', 'replace', serviceCidr, 'via', via])).ok : false
  if (!routed) progress(`no route to Services of ${kindName(name)}: as root, ip route replace ${serviceCidr} via ${via}`)
}

/** Nodes are containers of a Docker engine. */
export const kind: Provider = {
  async ensure(name, nodes, progress) {
    const bin = await ensureBinaries(['kind', 'kubectl'], { progress })
    const path = kubeconfigPath(name)
    await mkdir(dirname(path), { recursive: true })
    if (!(await exists(bin.kind, name))) {
      progress(`creating kind cluster ${kindName(name)}`)
      const args = ['create', 'cluster', '--name', kindName(name), '--kubeconfig', path, '--config', '-', '--wait', '180s']
      await run(bin.kind, args, { input: config(nodes), timeoutMs: 900_000 })
    }
    await run(bin.kind, ['export', 'kubeconfig', '--name', kindName(name), '--kubeconfig', path])
    progress("loading the tenants' images")
    await load(bin.kind, name, await tenantImages(progress))
    const cluster = await describeByApi({ provider: 'kind', name, kubeconfigPath: path, kubectl: bin.kubectl })
    await routeServices(name, cluster, progress)
    return cluster
  },

  async down(name, progress) {
    const bin = await ensureBinaries(['kind'], { progress })
    if (await exists(bin.kind, name)) await run(bin.kind, ['delete', 'cluster', '--name', kindName(name)], { timeoutMs: 180_000 })
    await attempt('ip', ['route', 'del', serviceCidr])
    await rm(kubeconfigPath(name), { force: true })
  },

  async status(name) {
    const bin = await ensureBinaries(['kind'], { progress: silent })
    const path = kubeconfigPath(name)
    if (!(await exists(bin.kind, name)) || !existsSync(path)) return { name, state: 'absent', gaps: [] }
    return { name, state: 'up', gaps: [], kubeconfigPath: path }
  },

  async load({ name }, archives) {
    const bin = await ensureBinaries(['kind'], { progress: silent })
    await load(bin.kind, name, archives)
  },
}
