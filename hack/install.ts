import { parseArgs } from 'node:util'
import { ensureCluster } from './cluster/index.ts'
import { installBerth } from './install/index.ts'
import { printProgress } from './progress.ts'

const usage = `Usage: node hack/install.ts [--name demo]

Brings the local cluster up if it is not, builds Berth's image from the sources, puts it on the nodes and
applies manifests/base. Run again after a change: only what differs is rolled out.`

const { values } = parseArgs({
  options: { name: { type: 'string', default: 'demo' }, help: { type: 'boolean', short: 'h' } },
})

if (values.help) {
  console.log(usage)
} else {
  const progress = printProgress()
  const cluster = await ensureCluster({ name: values.name, progress })
  await installBerth(cluster, progress)
  console.log(`Berth runs on cluster ${cluster.name}: export KUBECONFIG=${cluster.kubeconfigPath}`)
}
