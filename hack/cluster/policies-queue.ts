import { attempt } from '../run.ts'
import { runOn } from './machine.ts'
import type { ClusterPlan } from './plan.ts'

const rule = ['FORWARD', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'NFQUEUE', '--queue-num', '100', '--queue-bypass']

/** Whether this kernel's nftables can hand packets to a program, tried in a network namespace that ends with the try. */
const nftablesCanQueue = async (): Promise<boolean> =>
  (
    await attempt('unshare', [
      '--net',
      'sh',
      '-c',
      'nft add table ip probe && nft add chain ip probe c && nft add rule ip probe c queue num 100 bypass',
    ])
  ).ok

/**
 * kube-network-policies makes an nftables rule that hands it each new connection. Kernels without NFT_QUEUE refuse that rule; there
 * its queue is fed by iptables.
 */
export const ensurePolicyQueue = async (plan: ClusterPlan): Promise<void> => {
  if (await nftablesCanQueue()) return
  for (const node of plan.nodes) {
    await runOn(plan, node, [
      'sh',
      '-c',
      `iptables -w -t mangle -C ${rule.join(' ')} 2>/dev/null || iptables -w -t mangle -A ${rule.join(' ')}`,
    ])
  }
}
