import { parseArgs } from 'node:util'
import { downCluster, ensureCluster, statusCluster } from './cluster/index.ts'
import { commandLine } from './command-line.ts'
import { printProgress } from './progress.ts'

const usage = `Usage: node hack/cluster.ts up|down|status|kubeconfig [--name demo] [--nodes 2]

  up          bring the cluster up, or repair it
  down        take it away, with everything it left on this machine
  status      say what is there and what is missing; exit code 1 unless it is complete
  kubeconfig  print the path of the administrator's kubeconfig`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'demo' },
    nodes: { type: 'string', default: '2' },
    help: { type: 'boolean', short: 'h' },
  },
})
const { name } = values

const work = async (): Promise<void> => {
  switch (values.help ? 'help' : (positionals[0] ?? '')) {
    case 'up': {
      const cluster = await ensureCluster({ name, nodes: Number(values.nodes), progress: printProgress() })
      console.log(`cluster ${name} is up: export KUBECONFIG=${cluster.kubeconfigPath}`)
      break
    }
    case 'down':
      await downCluster({ name, progress: printProgress() })
      console.log(`cluster ${name} is gone`)
      break
    case 'status': {
      const status = await statusCluster({ name })
      console.log([`cluster ${name}: ${status.state}`, ...status.gaps.map((gap) => `  ${gap}`)].join('\n'))
      process.exitCode = status.state === 'up' ? 0 : 1
      break
    }
    case 'kubeconfig': {
      const { kubeconfigPath, state } = await statusCluster({ name })
      if (!kubeconfigPath) throw new Error(`cluster ${name} is ${state}: make cluster-up CLUSTER=${name}`)
      console.log(kubeconfigPath)
      break
    }
    case 'help':
      console.log(usage)
      break
    default:
      console.error(usage)
      process.exitCode = 2
  }
}

await commandLine(work)
