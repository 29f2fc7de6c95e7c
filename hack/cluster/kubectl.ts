import { run } from '../run.ts'

/** Runs kubectl with one kubeconfig. */
export interface Kubectl {
  (args: readonly string[], given?: { input?: string; timeoutMs?: number }): Promise<string>
}

export const kubectlFor =
  (program: string, kubeconfig: string): Kubectl =>
  (args, given = {}) =>
    run(program, ['--kubeconfig', kubeconfig, ...args], given)
