import { join } from 'node:path'
import { ensureBinaries } from '../../hack/binaries.ts'
import type { TestApiServer } from './api-server.ts'
import { type Child, startChild } from './child.ts'

export const controllerManagerProgram = 'kube-controller-manager@1.37'

/** Starts a real kube-controller-manager with just these controllers (`disruption-controller`, ...) for an API server. It is to be ended before that. */
export const startControllers = async (api: TestApiServer, controllers: readonly string[]): Promise<Child> => {
  const binaries = await ensureBinaries([controllerManagerProgram])
  const flags = [
    `--kubeconfig=${api.kubeconfigPath}`,
    `--controllers=${controllers.join(',')}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--profiling=false',
  ]
  return startChild(binaries[controllerManagerProgram], flags, join(api.folder, 'kube-controller-manager.log'))
}
