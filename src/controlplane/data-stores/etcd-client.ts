import type { KubeConnection } from '../../kube/client.ts'
import { createTransport, type Transport } from '../../kube/transport.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { ordinalOf, peerUrl } from './etcd-config.ts'
import type { Member } from './members.ts'
import type { Alarm, AlarmKind } from './upkeep.ts'

/** What one member says of itself. */
export interface MemberStatus {
  readonly memberId: string
  /** Undefined when it knows of none. */
  readonly leader: string | undefined
  /** The newest revision it has. */
  readonly revision: string
  readonly sizeBytes: number
  readonly inUseBytes: number
  /** At which it takes no more writes, since it started; undefined: it does not say. */
  readonly quotaBytes: number | undefined
}

/**
 * One member of a data store, asked by etcd's own JSON gateway (api/etcdserverpb/rpc.proto, the google.api.http options). The npm client of etcd knows neither
 * learners nor promotion. Everything throws DATA_STORE_UNREACHABLE or DATA_STORE_REFUSED.
 */
export interface EtcdClient {
  /** As a majority knows them. */
  members(): Promise<readonly Member[]>
  addLearner(ordinal: number): Promise<readonly Member[]>
  /** False while the learner has not all data yet. */
  promote(member: Member): Promise<boolean>
  remove(member: Member): Promise<void>
  /** To be asked of the leader. */
  handOver(to: Member): Promise<void>
  status(): Promise<MemberStatus>
  alarms(): Promise<readonly Alarm[]>
  disarm(alarm: Alarm): Promise<void>
  /** Forgets all history before the revision. */
  compact(revision: string): Promise<void>
  defragment(): Promise<void>
  close(): Promise<void>
}

/** Where a member is and with which keys it is asked. */
export type EtcdConnection = KubeConnection
/** Calls end with the signal. */
export type ConnectEtcd = (connection: EtcdConnection, signal: AbortSignal) => EtcdClient

/** 64-bit numbers come as texts. */
interface MemberAnswer {
  readonly ID?: string
  readonly name?: string
  readonly peerURLs?: readonly string[]
  readonly isLearner?: boolean
}

const memberOf = ({ ID = '', name = '', peerURLs = [], isLearner = false }: MemberAnswer): Member => ({
  id: ID,
  ordinal: ordinalOf(peerURLs),
  isStarted: name !== '',
  isLearner,
})

interface Refusal {
  readonly status: number
  readonly message: string
}

const refusalOf = (status: number, body: string): Refusal => {
  try {
    const { message, error } = JSON.parse(body) as { message?: unknown; error?: unknown }
    const said = [message, error].find((text) => typeof text === 'string')
    return { status, message: said ?? body.slice(0, 300) }
  } catch {
    return { status, message: body.slice(0, 300) }
  }
}

/** Writes take longest where the disk is slow; a defragmentation reads and writes the whole file. */
const timeouts = { usualMs: 5_000, statusMs: 2_000, compactMs: 30_000, defragmentMs: 50_000 }

export const createEtcdClient: ConnectEtcd = (connection, signal) => {
  const transport: Transport = createTransport(connection, {
    userAgent: 'berth-manager',
    connections: 1,
    timeoutMs: timeouts.usualMs,
    maxAnswerBytes: 2 ** 20,
  })
  const where = new URL(connection.server).host

  const ask = async <T>(path: string, body: object, isFine: (refusal: Refusal) => boolean = () => false, timeoutMs?: number) => {
    const answer = await transport
      .call({
        method: 'POST',
        path: `/v3/${path}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
        ...(timeoutMs !== undefined && { timeoutMs }),
      })
      .catch((cause: unknown) => {
        throw new AppError('DATA_STORE_UNREACHABLE', `etcd at ${where} does not answer: ${explainError(cause)}`, { cause })
      })
    const text = answer.body.toString('utf8')
    if (answer.status === 200) return JSON.parse(text) as T
    const refusal = refusalOf(answer.status, text)
    if (isFine(refusal)) return undefined
    throw new AppError('DATA_STORE_REFUSED', `etcd at ${where} refuses ${path}: ${refusal.message}`, { status: refusal.status })
  }
  const membersOf = (answer: { members?: readonly MemberAnswer[] } | undefined) => (answer?.members ?? []).map(memberOf)

  return {
    members: async () => membersOf(await ask('cluster/member/list', { linearizable: true })),
    addLearner: async (ordinal) => membersOf(await ask('cluster/member/add', { peerURLs: [peerUrl(ordinal)], isLearner: true })),
    promote: async ({ id }) => {
      const isBehind = ({ message }: Refusal) => message.includes('in sync with leader')
      return (await ask('cluster/member/promote', { ID: id }, isBehind)) !== undefined
    },
    remove: async ({ id }) => {
      await ask('cluster/member/remove', { ID: id }, ({ message }) => message.includes('member not found'))
    },
    handOver: async ({ id }) => {
      await ask('maintenance/transfer-leadership', { targetID: id })
    },
    status: async () => {
      const answer = await ask<{
        header: { member_id: string; revision: string }
        leader?: string
        dbSize?: string
        dbSizeInUse?: string
        dbSizeQuota?: string
      }>('maintenance/status', {}, undefined, timeouts.statusMs)
      const {
        header,
        leader,
        dbSize = '0',
        dbSizeInUse = '0',
        dbSizeQuota,
      } = answer ?? { header: { member_id: '', revision: '0' } }
      return {
        memberId: header.member_id,
        leader: leader === undefined || leader === '0' ? undefined : leader,
        revision: header.revision,
        sizeBytes: Number(dbSize),
        inUseBytes: Number(dbSizeInUse),
        quotaBytes: dbSizeQuota === undefined ? undefined : Number(dbSizeQuota),
      }
    },
    alarms: async () => {
      const answer = await ask<{ alarms?: readonly { memberID?: string; alarm?: AlarmKind }[] }>('maintenance/alarm', {
        action: 'GET',
      })
      return (answer?.alarms ?? []).flatMap(({ memberID = '0', alarm }) => (alarm ? [{ memberId: memberID, kind: alarm }] : []))
    },
    disarm: async ({ memberId, kind }) => {
      await ask('maintenance/alarm', { action: 'DEACTIVATE', memberID: memberId, alarm: kind })
    },
    compact: async (revision) => {
      await ask(
        'kv/compaction',
        { revision, physical: true },
        ({ message }) => message.includes('has been compacted'),
        timeouts.compactMs,
      )
    },
    defragment: async () => {
      await ask('maintenance/defragment', {}, undefined, timeouts.defragmentMs)
    },
    close: () => transport.close(),
  }
}
