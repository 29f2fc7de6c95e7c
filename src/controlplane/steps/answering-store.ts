import type { KubeObject } from '../../apis/kube-object.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import type { EtcdClient, MemberStatus } from '../data-stores/etcd-client.ts'
import { etcdPorts } from '../data-stores/etcd-config.ts'
import { ordinalOfName } from '../data-stores/member-pods.ts'
import type { Member } from '../data-stores/members.ts'
import type { Alarm } from '../data-stores/upkeep.ts'
import type { Deps } from '../deps.ts'
import { hasRunningContainer, podsOf } from '../diagnose.ts'
import { componentNames, secretNames } from '../names.ts'
import { etcdMember } from '../pki/plan.ts'
import type { Round } from '../steps.ts'

/** A data store that answers. */
export interface Answering {
  readonly clients: ReadonlyMap<number, EtcdClient>
  /** Of the members that answer, by number. */
  readonly statuses: ReadonlyMap<number, MemberStatus>
  readonly members: readonly Member[]
  readonly alarms: readonly Alarm[]
  /** The member that knew of the others. */
  readonly anyone: EtcdClient
}

/** Pods of the data store. */
export const etcdPods = ({ observed }: Pick<Round, 'observed'>): KubeObject[] => podsOf(observed.pods, componentNames.etcd)

/** Clients of the members that run, each at its pod's own address: one that is not ready may still say why. */
export const clientsOf = (round: Round, { connectEtcd, signal }: Deps): Map<number, EtcdClient> => {
  const keys = round.keys.get(secretNames.kubeApiServer) ?? {}
  const clients = new Map<number, EtcdClient>()
  for (const pod of etcdPods(round)) {
    const ordinal = ordinalOfName(pod)
    const ip = pod.status?.podIP as string | undefined
    if (ordinal === undefined || !ip || pod.metadata.deletionTimestamp || !hasRunningContainer([pod])) continue
    const connection = {
      server: `https://${ip.includes(':') ? `[${ip}]` : ip}:${etcdPorts.client}`,
      ca: round.roots.trust.authorities.etcd,
      clientCert: keys['etcd-client.crt'] ?? '',
      clientKey: keys['etcd-client.key'] ?? '',
      // One of the names of the certificate that all members have.
      tlsServerName: componentNames.etcd,
    }
    clients.set(ordinal, connectEtcd(connection, signal))
  }
  return clients
}

/** Asks for the members. Undefined when none answers for a majority. */
export const look = async (clients: ReadonlyMap<number, EtcdClient>, { log }: Deps): Promise<Answering | undefined> => {
  const asked = await Promise.all(
    [...clients].map(async ([ordinal, client]) => {
      try {
        return [ordinal, await client.status()] as const
      } catch (error) {
        log.warn({ member: etcdMember(ordinal), error: explainError(error) }, 'etcd member does not answer')
        return undefined
      }
    }),
  )
  const statuses = new Map(asked.filter((each) => each !== undefined))
  for (const [ordinal, { leader }] of statuses) {
    if (leader === undefined) continue
    const anyone = clients.get(ordinal)
    try {
      const [members, alarms] = await Promise.all([anyone?.members(), anyone?.alarms()])
      // No plan is ever made of nothing.
      if (anyone && alarms && members?.some((member) => member.ordinal !== undefined))
        return { clients, statuses, anyone, members, alarms }
    } catch (error) {
      log.warn({ member: etcdMember(ordinal), error: explainError(error) }, 'etcd member knows of no majority')
    }
  }
  return undefined
}

/** ID of the member that leads, as those that answer say. */
export const leaderOf = ({ statuses }: Answering): string | undefined =>
  [...statuses.values()].find(({ leader }) => leader)?.leader

/** True for what etcd itself refused or did not answer. */
export const isOfStore = (error: unknown): boolean => hasCode(error, 'DATA_STORE_REFUSED', 'DATA_STORE_UNREACHABLE')
