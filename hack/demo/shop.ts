import { execa } from 'execa'
import type { Kubectl } from '../cluster/kubectl.ts'
import { namespaceReport } from '../diagnosis.ts'
import { untilLine } from '../lines.ts'
import { until } from '../processes.ts'

/** A command as a person would type it, and what it printed. */
export interface Shown {
  readonly command: string
  readonly output: string
}

/** Runs kubectl as the tenant and keeps what a person would have seen. */
const show = async (kubectl: Kubectl, args: readonly string[]): Promise<Shown> => {
  const output = await kubectl(args, { timeoutMs: 30_000 })
  const command = ['kubectl', ...args].map((part) => (/[\s;|&<>]/.test(part) ? `'${part}'` : part)).join(' ')
  return { command, output }
}

/** Applies the sample as the tenant and waits until its pods serve. */
export const deployShop = async (kubectl: Kubectl, manifest: string, deadlineMs = 120_000): Promise<Shown> => {
  const shown = await show(kubectl, ['apply', '-f', manifest])
  const timeout = `--timeout=${deadlineMs / 1000}s`
  const limit = { timeoutMs: deadlineMs + 10_000 }
  try {
    await Promise.all([
      kubectl(['rollout', 'status', 'deployment/web', '-n', 'shop', timeout], limit),
      kubectl(['wait', '--for=condition=Ready', 'pod/customer', '-n', 'shop', timeout], limit),
    ])
  } catch (error) {
    throw new Error(`the pods of namespace shop did not start.\n${await namespaceReport(kubectl, 'shop')}`, { cause: error })
  }
  return shown
}

/** Calls the Service by its names from another pod until it answers: the first answer may take kube-proxy a moment. */
export const callShop = async (kubectl: Kubectl): Promise<Shown> => {
  const args = ['exec', '-n', 'shop', 'customer', '--', 'wget', '-q', '-O-', 'http://web.shop.svc.cluster.local/hostname']
  let seen: unknown
  return until(
    'an answer from http://web.shop.svc.cluster.local',
    30_000,
    () =>
      show(kubectl, args).catch((error: unknown) => {
        seen = error
        return undefined
      }),
    { everyMs: 250, seen: () => String(seen) },
  )
}

export const shopLogs = (kubectl: Kubectl): Promise<Shown> =>
  show(kubectl, ['logs', '-n', 'shop', '-l', 'app=web', '--prefix', '--tail=2'])

/** Reads the Secret and the volume from inside. */
export const execInShop = (kubectl: Kubectl): Promise<Shown> =>
  show(kubectl, ['exec', '-n', 'shop', 'deploy/web', '--', 'sh', '-c', 'cat /etc/web/password; echo; sort -u /data/started'])

/** Forwards a free local port to the Service, asks through it once, and ends the forwarding. */
export const forwardShop = async (program: string, kubeconfig: string): Promise<Shown> => {
  const forward = execa(program, ['--kubeconfig', kubeconfig, 'port-forward', '-n', 'shop', 'service/web', ':80'], {
    timeout: 30_000,
    reject: false,
    stdin: 'ignore',
  })
  try {
    const line = await untilLine(forward.stdout, (said) => (said.startsWith('Forwarding from 127.0.0.1:') ? said : undefined))
    const port = /:(\d+)/.exec(line)?.[1]
    const answer = await fetch(`http://127.0.0.1:${port}/hostname`, { signal: AbortSignal.timeout(10_000) })
    if (!answer.ok) throw new Error(`the forwarded port answered ${answer.status}`)
    return { command: 'kubectl port-forward -n shop service/web :80', output: `${line}\n${await answer.text()}` }
  } finally {
    forward.kill()
    await forward
  }
}
