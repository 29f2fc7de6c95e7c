import { execa, type ResultPromise } from 'execa'
import { untilLine } from '../../hack/lines.ts'
import { world } from './kubectl.ts'
import type { Tenant } from './tenant.ts'

/** kubectl as a tenant, running: for what is read or written while it runs. It ends by itself after `timeoutMs`. */
export const startKubectl = (
  tenant: Tenant,
  args: readonly string[],
  timeoutMs = 60_000,
): ResultPromise<{ reject: false; all: true }> =>
  execa(world().kubectl, ['--kubeconfig', tenant.kubeconfig, ...args], {
    reject: false,
    all: true,
    timeout: timeoutMs,
    stdin: 'pipe',
  })

/** The port that a running `kubectl port-forward` opened on loopback. @throws with what it printed when it ends before. */
export const forwardedPort = (forward: ReturnType<typeof startKubectl>): Promise<number> =>
  untilLine(forward.stdout, (line) => {
    const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    return port ? Number(port) : undefined
  })
