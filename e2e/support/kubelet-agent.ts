import { join } from 'node:path'
import { apply, getJson, superKubectl } from './kubectl.ts'
import { podReady } from './wait.ts'

const name = 'story-kubelet-agent'
const ports = { agent: 10560, health: 10561 }
const role = join(import.meta.dirname, '../../manifests/options/vn-agent-kubelet/role.yaml')

interface AgentContainer extends Readonly<Record<string, unknown>> {
  readonly env: readonly { readonly name: string }[]
}
interface DaemonSet {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly AgentContainer[] } } }
}

/** A probe of the agent's own, at this agent's port. */
const probeAt = (container: AgentContainer, which: string) => {
  const probe = container[which] as { httpGet: object }
  return { ...probe, httpGet: { ...probe.httpGet, port: ports.health } }
}

/** One more vn-agent on a node, beside the node's own, whose sessions go straight to the kubelet. Gives its port and what takes it away again. */
export const startKubeletAgent = async (
  nodeName: string,
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> => {
  const found = await getJson<DaemonSet>(superKubectl, ['daemonset', 'berth-vn-agent', '-n', 'berth-system'])
  const { spec } = found.spec.template
  const [container] = spec.containers
  if (!container) throw new Error('the DaemonSet of vn-agent has no container')
  const own = [
    { name: 'BERTH_AGENT_VIA', value: 'kubelet' },
    { name: 'BERTH_AGENT_PORT', value: String(ports.agent) },
    { name: 'BERTH_HEALTH_PORT', value: String(ports.health) },
  ]
  const env = [...container.env.filter((one) => !own.some((given) => given.name === one.name)), ...own]
  const probes = { readinessProbe: probeAt(container, 'readinessProbe'), livenessProbe: probeAt(container, 'livenessProbe') }
  await superKubectl(['apply', '-f', role])
  await apply(superKubectl, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'berth-system' },
    spec: { ...spec, restartPolicy: 'Always', nodeName, containers: [{ ...container, env, ...probes }] },
  })
  const stop = async (): Promise<void> => {
    await superKubectl(['delete', 'pod', name, '-n', 'berth-system', '--wait=false'])
    await superKubectl(['delete', '-f', role])
  }
  try {
    await podReady(superKubectl, 'berth-system', name)
  } catch (error) {
    await stop()
    throw error
  }
  return { port: ports.agent, stop }
}
