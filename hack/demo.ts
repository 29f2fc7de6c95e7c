import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { berthImage } from './berth-image.ts'
import { ensureCluster, type LocalCluster, loadImages } from './cluster/index.ts'
import { kubectlFor } from './cluster/kubectl.ts'
import { farewell } from './demo/farewell.ts'
import { type Phase, runPhases } from './demo/phases.ts'
import { callShop, deployShop, execInShop, forwardShop, type Shown, shopLogs } from './demo/shop.ts'
import { type TenantStatus, waitReady } from './demo/wait-ready.ts'
import { makeWorkbench, type Workbench } from './demo/workbench.ts'
import type { ImageArchive } from './images/oci-image.ts'
import { applyBerth } from './install/index.ts'

const usage = `Usage: node hack/demo.ts [--name demo] [--installed]

From nothing to a tenant with pods: local cluster, Berth image, Berth installed as pods, the tenant of
manifests/samples/tenant.yaml, and the tenant's manifests/samples/shop.yaml. Each step looks first and
does only what is missing, so a second run is quick.`

const samples = relative(process.cwd(), join(import.meta.dirname, '../manifests/samples'))
const tenant = 'acme'

/** What a phase found and later ones use. */
interface Found {
  cluster: LocalCluster
  image: ImageArchive
  status: TenantStatus
  workbench: Workbench
}

const demo = async ({ name, installed }: { readonly name: string; readonly installed: boolean }): Promise<string> => {
  const found: Partial<Found> = {}
  const get = <K extends keyof Found>(key: K): Found[K] => {
    const value = found[key]
    if (value === undefined) throw new Error(`the demo has no ${key} yet`)
    return value as Found[K]
  }
  const shown: Shown[] = []
  const asAdmin = () => kubectlFor(get('cluster').binaries.kubectl, get('cluster').kubeconfigPath)
  const asTenant = () => kubectlFor(get('cluster').binaries.kubectl, get('workbench').tenantKubeconfig)

  const ownInstall: readonly Phase[] = [
    {
      title: 'Berth image',
      run: async (say) => {
        const image = await berthImage(say)
        say('putting it on the nodes')
        await loadImages(get('cluster'), [image])
        found.image = image
      },
    },
    { title: 'Berth installed as pods', run: (say) => applyBerth(asAdmin(), get('image'), { progress: say }) },
  ]
  const phases: readonly Phase[] = [
    {
      title: `Local cluster ${name}`,
      run: async (say) => {
        found.cluster = await ensureCluster({ name, progress: say })
      },
    },
    ...(installed ? [] : ownInstall),
    {
      title: `Tenant ${tenant} Ready`,
      run: async (say) => {
        const { binaries, kubeconfigPath } = get('cluster')
        await asAdmin()(['apply', '-f', join(samples, 'tenant.yaml')])
        found.status = await waitReady({ kubectl: binaries.kubectl, kubeconfig: kubeconfigPath, name: tenant }, say)
        found.workbench = await makeWorkbench(get('cluster'), asAdmin(), tenant)
      },
    },
    {
      title: 'As the tenant: a Deployment with ConfigMap, Secret and volume, and a Service',
      run: async () => void shown.push(await deployShop(asTenant(), join(samples, 'shop.yaml'))),
    },
    { title: 'Service called by its DNS name from another pod', run: async () => void shown.push(await callShop(asTenant())) },
    { title: 'kubectl logs', run: async () => void shown.push(await shopLogs(asTenant())) },
    { title: 'kubectl exec', run: async () => void shown.push(await execInShop(asTenant())) },
    {
      title: 'kubectl port-forward',
      run: async () => void shown.push(await forwardShop(get('cluster').binaries.kubectl, get('workbench').tenantKubeconfig)),
    },
  ]

  const times = await runPhases(phases)
  const superKubeconfig = get('cluster').kubeconfigPath
  return farewell({ tenant, times, shown, status: get('status'), superKubeconfig, ...get('workbench') })
}

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'demo' },
    installed: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
})

if (values.help) {
  console.log(usage)
} else {
  try {
    console.log(await demo(values))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error('The demo stopped. Run it again to go on from here, or make down to take everything away.')
    process.exitCode = 1
  }
}
