import { join } from 'node:path'

/** A machine of the cluster: a set of namespaces (net, mount, pid, hostname) with an address on the cluster's bridge. */
export interface Machine {
  readonly name: string
  readonly ip: string
  /** Its folder: `var` is what it sees as /var. */
  readonly dir: string
  /** The end of its cable that is plugged into the bridge. At most 15 characters. */
  readonly veth: string
}

export interface NodeMachine extends Machine {
  /** The addresses its pods get. */
  readonly podCidr: string
  /** Below the root of every cgroup hierarchy. */
  readonly cgroupRoot: string
}

/** Everything about a cluster that follows from its name, its number and its size. */
export interface ClusterPlan {
  readonly name: string
  /** Tells clusters on this machine apart: names, subnets and cgroups come from it. */
  readonly index: number
  readonly stateDir: string
  readonly bridge: string
  /** The machine's own address on the bridge, and the bridge's subnet. */
  readonly bridgeIp: string
  readonly bridgeCidr: string
  readonly podCidr: string
  readonly serviceCidr: string
  readonly dnsIp: string
  readonly firstServiceIp: string
  readonly cgroupRoot: string
  readonly apiServer: string
  readonly control: Machine
  readonly nodes: readonly NodeMachine[]
}

/** So many clusters fit side by side. */
export const maxClusters = 16
/** A cluster's name becomes part of paths of Unix sockets, which end at 107 characters, and of host names. */
export const clusterNamePattern = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/

/** Makes the plan. Pure: the same input always gives the same names and addresses. */
export const clusterPlan = ({
  name,
  index,
  nodes,
  baseDir,
}: {
  name: string
  index: number
  nodes: number
  baseDir: string
}): ClusterPlan => {
  if (!clusterNamePattern.test(name))
    throw new Error(`"${name}" cannot name a cluster: use up to 20 lower-case letters, digits and dashes`)
  if (index < 0 || index >= maxClusters) throw new Error(`only ${maxClusters} clusters fit on one machine`)
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9) throw new Error(`${nodes} nodes: from 1 to 9 can be had`)
  const stateDir = join(baseDir, name)
  const id = `berth${index}`
  const machine = (machineName: string, number: number): Machine => ({
    name: machineName,
    ip: `10.124.${index}.${10 + number}`,
    dir: join(stateDir, machineName),
    veth: `${id}v${number}`,
  })
  const control = machine('control', 0)
  return {
    name,
    index,
    stateDir,
    bridge: `${id}br`,
    bridgeIp: `10.124.${index}.1`,
    bridgeCidr: `10.124.${index}.0/24`,
    podCidr: `10.${128 + index}.0.0/16`,
    serviceCidr: `10.${96 + index}.0.0/16`,
    dnsIp: `10.${96 + index}.0.10`,
    firstServiceIp: `10.${96 + index}.0.1`,
    cgroupRoot: `/${id}`,
    apiServer: `https://${control.ip}:6443`,
    control,
    nodes: Array.from({ length: nodes }, (_, position) => {
      const number = position + 1
      return {
        ...machine(`node${number}`, number),
        podCidr: `10.${128 + index}.${number}.0/24`,
        cgroupRoot: `/${id}/node${number}`,
      }
    }),
  }
}
