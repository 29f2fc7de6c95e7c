import { stringify } from 'yaml'
import { quantityValue } from '../../apis/quantity.ts'
import type { TenantRef } from '../../tenancy/names.ts'
import { keyFolder } from '../components/keys-volume.ts'
import { etcdPeersService } from '../names.ts'
import { etcdMember } from '../pki/plan.ts'
import type { MemberPlan } from './members.ts'

export const etcdPorts = { client: 2379, peer: 2380, metrics: 2381 } as const
export const dataFolder = '/var/lib/etcd'

/**
 * etcd stops taking writes at this size: two fifths of the disk, as a defragmentation writes the file once more beside the old one and the log needs room as well,
 * and at most the 8 GiB etcd is good for.
 */
export const quotaBytes = (storageSize: string): number => Math.min(8 * 2 ** 30, Math.floor(quantityValue(storageSize) * 0.4))

const memberUrl = (ordinal: number, port: number): string => `https://${etcdMember(ordinal)}.${etcdPeersService}:${port}`

/** The URL by which etcd knows a member. */
export const peerUrl = (ordinal: number): string => memberUrl(ordinal, etcdPorts.peer)

/** Number of the member with one of these peer URLs; undefined for one that Berth did not make. */
export const ordinalOf = (peerUrls: readonly string[]): number | undefined => {
  const [url] = peerUrls
  const ordinal = Number(/^https:\/\/[a-z]+-(\d+)\./.exec(url ?? '')?.[1] ?? Number.NaN)
  return peerUrls.length === 1 && url === peerUrl(ordinal) ? ordinal : undefined
}

/** What members of one store have in common. */
export interface StoreSettings {
  readonly tenant: TenantRef
  /** What every member can write to, as a quantity. */
  readonly diskSize: string
  /** One without others has nobody to wait for before it elects itself. It keeps that haste until it starts anew, which harms nobody: etcd asks before it votes. */
  readonly isAlone: boolean
}

/** A file for each member, as flags are the same for all pods of a StatefulSet. Its keys are the flags of etcd (server/embed/config.go). */
export const memberConfig = ({ ordinal, start, peers }: MemberPlan, { tenant, diskSize, isAlone }: StoreSettings): string =>
  stringify({
    name: etcdMember(ordinal),
    'data-dir': `${dataFolder}/data`,
    'listen-client-urls': `https://0.0.0.0:${etcdPorts.client}`,
    'advertise-client-urls': memberUrl(ordinal, etcdPorts.client),
    'listen-peer-urls': `https://0.0.0.0:${etcdPorts.peer}`,
    'initial-advertise-peer-urls': peerUrl(ordinal),
    'initial-cluster': peers.map((peer) => `${etcdMember(peer)}=${peerUrl(peer)}`).join(','),
    'initial-cluster-token': tenant.uid,
    // Without data and told of nobody but itself, a member of an existing cluster finds nothing to join and ends.
    'initial-cluster-state': start === 'found' ? 'new' : 'existing',
    'listen-metrics-urls': `http://0.0.0.0:${etcdPorts.metrics}`,
    'client-transport-security': {
      'client-cert-auth': true,
      'trusted-ca-file': `${keyFolder}/ca.crt`,
      'cert-file': `${keyFolder}/server.crt`,
      'key-file': `${keyFolder}/server.key`,
    },
    'peer-transport-security': {
      'client-cert-auth': true,
      'trusted-ca-file': `${keyFolder}/ca.crt`,
      'cert-file': `${keyFolder}/peer.crt`,
      'key-file': `${keyFolder}/peer.key`,
      // Members come from pod addresses, which no certificate can name beforehand; the authority is this tenant's alone.
      'skip-client-san-verification': true,
    },
    'tls-min-version': 'TLS1.2',
    // The manager asks by JSON. Off unless said so, where there is a file.
    'enable-grpc-gateway': true,
    'quota-backend-bytes': quotaBytes(diskSize),
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': '10m',
    ...(isAlone
      ? { 'heartbeat-interval': 50, 'election-timeout': 250 }
      : { 'heartbeat-interval': 100, 'election-timeout': 1000 }),
    'log-level': 'warn',
  })
