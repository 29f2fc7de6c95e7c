import type { KubeObject } from '../apis/kube-object.ts'
import { isLive } from './decide.ts'
import { canonical } from './resources/addresses.ts'

/** A pod of super that has an address. */
export interface AddressHolder {
  readonly tenantUid: string
  readonly node: string | undefined
}

export interface PodAddresses {
  /** Takes in what a super pod is now; undefined: it is gone. Returns the addresses that it has gained or lost. */
  set(key: string, tenantUid: string, pod: KubeObject | undefined): readonly string[]
  /** The tenant's own pod with this address; undefined where there is none, or where a pod of another tenant says that it has it too. */
  of(tenantUid: string, address: string): AddressHolder | undefined
}

/** Addresses of a pod's own: those of the machine are not. One that has ended has given them back. */
export const addressesOfPod = (pod: KubeObject): readonly string[] => {
  const {
    podIP,
    podIPs = [],
    hostIP,
    hostIPs = [],
  } = (pod.status ?? {}) as {
    podIP?: string
    podIPs?: { ip: string }[]
    hostIP?: string
    hostIPs?: { ip: string }[]
  }
  if (!isLive({ ...pod, kind: 'Pod' })) return []
  const ofMachine = new Set([hostIP ?? '', ...hostIPs.map(({ ip }) => ip)].map(canonical))
  const all = [podIP ?? '', ...podIPs.map(({ ip }) => ip)].filter((ip) => ip !== '').map(canonical)
  return [...new Set(all)].filter((ip) => !ofMachine.has(ip))
}

/** Which pods of which tenants have which addresses in super, as kubelets say. */
export const createPodAddresses = (): PodAddresses => {
  const byAddress = new Map<string, Map<string, AddressHolder>>()
  const byPod = new Map<string, readonly string[]>()
  const forget = (key: string, address: string): void => {
    const holders = byAddress.get(address)
    holders?.delete(key)
    if (holders?.size === 0) byAddress.delete(address)
  }
  return {
    set: (key, tenantUid, pod) => {
      const before = byPod.get(key) ?? []
      const now = pod ? addressesOfPod(pod) : []
      for (const address of before) if (!now.includes(address)) forget(key, address)
      for (const address of now) {
        const holders = byAddress.get(address) ?? new Map<string, AddressHolder>()
        holders.set(key, { tenantUid, node: pod?.spec?.nodeName })
        byAddress.set(address, holders)
      }
      if (now.length > 0) byPod.set(key, now)
      else byPod.delete(key)
      return [...before.filter((address) => !now.includes(address)), ...now.filter((address) => !before.includes(address))]
    },
    of: (tenantUid, address) => {
      const holders = [...(byAddress.get(canonical(address))?.values() ?? [])]
      return holders.every((holder) => holder.tenantUid === tenantUid) ? holders[0] : undefined
    },
  }
}
