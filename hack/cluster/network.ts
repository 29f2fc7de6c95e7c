import { attempt, run } from '../run.ts'
import { machineInit } from './machine.ts'
import type { ClusterPlan, Machine } from './plan.ts'

/** Runs `ip` commands in one go. With `inside`, in the network of that process. */
const ip = async (commands: readonly string[], inside?: number): Promise<void> => {
  const batch = ['-batch', '-']
  const input = `${commands.join('\n')}\n`
  if (inside === undefined) await run('ip', batch, { input })
  else await run('nsenter', ['--target', String(inside), '--net', 'ip', ...batch], { input })
}

const podRoutes = (plan: ClusterPlan, except?: Machine): string[] =>
  plan.nodes.filter((node) => node.name !== except?.name).map((node) => `route replace ${node.podCidr} via ${node.ip}`)

/** The first node's kube-proxy answers for the Service range, for whoever has none of his own. */
const serviceRoute = (plan: ClusterPlan): string => `route replace ${plan.serviceCidr} via ${plan.nodes[0]?.ip}`

const hostLinks = async (): Promise<Set<string>> =>
  new Set((JSON.parse(await run('ip', ['-j', 'link'])) as { ifname: string }[]).map(({ ifname }) => ifname))

/**
 * The bridge with its address, and the routes by which this machine reaches pods and Services. No machine of the cluster gets a
 * default route: nothing can leave. What is there stays, so a second call changes nothing.
 */
export const ensureNetwork = async (plan: ClusterPlan): Promise<void> => {
  const links = await hostLinks()
  if (!links.has(plan.bridge)) await ip([`link add ${plan.bridge} type bridge`])
  await ip([`addr replace ${plan.bridgeIp}/24 dev ${plan.bridge}`, `link set ${plan.bridge} up`])
  for (const machine of [plan.control, ...plan.nodes]) await plug(plan, machine, links)
  await ip([...podRoutes(plan), serviceRoute(plan)])
}

const plug = async (plan: ClusterPlan, machine: Machine, links: ReadonlySet<string>): Promise<void> => {
  const init = await machineInit(plan, machine)
  if (!init) throw new Error(`${machine.name} is not up`)
  const plugged = (await attempt('nsenter', ['--target', String(init.pid), '--net', 'ip', 'link', 'show', 'eth0'])).ok
  if (!plugged) {
    // The kernel takes its time to remove the cable of a machine that was lost.
    if (links.has(machine.veth)) await attempt('ip', ['link', 'del', machine.veth])
    await ip([`link add ${machine.veth} type veth peer name eth0 netns ${init.pid}`])
  }
  await ip([`link set ${machine.veth} master ${plan.bridge} up`])
  const isNode = plan.nodes.some(({ name }) => name === machine.name)
  await ip(
    [
      'link set lo up',
      `addr replace ${machine.ip}/24 dev eth0`,
      'link set eth0 up',
      ...podRoutes(plan, machine),
      // On a node a lookup must find a way for Service addresses before kube-proxy rewrites them.
      isNode ? `route replace ${plan.serviceCidr} dev eth0` : serviceRoute(plan),
    ],
    init.pid,
  )
  await run('nsenter', ['--target', String(init.pid), '--net', 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
}

const cableStart = (plan: ClusterPlan): string => plan.bridge.replace(/br$/, 'j')

const cableEnd = (plan: ClusterPlan, other: ClusterPlan): string => `${cableStart(plan)}${other.index}`

/** Ways from a cluster to the machines and pods of another one on the same wire. */
const routesTo = (other: ClusterPlan): string[] => [
  `route replace ${other.bridgeCidr} dev eth0`,
  ...other.nodes.map(({ podCidr, ip: via }) => `route replace ${podCidr} via ${via} dev eth0 onlink`),
]

/** A cable between the bridges of two clusters: the machines and pods of each reach those of the other. A cable that is unplugged is plugged in again. */
export const plugCable = async (plan: ClusterPlan, other: ClusterPlan): Promise<void> => {
  const links = await hostLinks()
  const [end, otherEnd] = [cableEnd(plan, other), cableEnd(other, plan)]
  if (!links.has(end)) await ip([`link add ${end} type veth peer name ${otherEnd}`])
  await ip([`link set ${end} master ${plan.bridge} up`, `link set ${otherEnd} master ${other.bridge} up`])
  for (const [one, another] of [
    [plan, other],
    [other, plan],
  ] as const) {
    for (const machine of [one.control, ...one.nodes]) {
      const init = await machineInit(one, machine)
      if (!init) throw new Error(`${machine.name} of ${one.name} is not up`)
      await ip(routesTo(another), init.pid)
    }
  }
}

/** Nothing goes over the cable from here on; both clusters go on by themselves. */
export const pullCable = async (plan: ClusterPlan, other: ClusterPlan): Promise<void> =>
  ip([`link set ${cableEnd(plan, other)} down`])

/** Removes the bridge and the cables; the routes through them go with them. */
export const removeNetwork = async (plan: ClusterPlan): Promise<void> => {
  const links = await hostLinks()
  const cables = [...links].filter((link) => link.startsWith(cableStart(plan)))
  for (const link of [...[plan.control, ...plan.nodes].map(({ veth }) => veth), ...cables, plan.bridge]) {
    if (links.has(link)) await attempt('ip', ['link', 'del', link])
  }
}
