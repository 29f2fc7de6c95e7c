import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { podDns } from './dns.ts'
import type { Pod } from './pod.ts'

const dnsOf = (spec: Record<string, unknown>) => podDns(aTenantPod(spec) as Pod, aSyncContext())
const searches = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local']
const cluster = {
  dnsPolicy: 'None',
  dnsConfig: { nameservers: ['10.96.4.10'], searches, options: [{ name: 'ndots', value: '5' }] },
}

describe('podDns', () => {
  test.for<[name: string, spec: Record<string, unknown>, wanted: unknown]>([
    ['ClusterFirst', { dnsPolicy: 'ClusterFirst' }, cluster],
    ['no policy means ClusterFirst', {}, cluster],
    ['ClusterFirstWithHostNet', { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }, cluster],
    [
      "ClusterFirst on the host network is the node's",
      { dnsPolicy: 'ClusterFirst', hostNetwork: true },
      { dnsPolicy: 'Default' },
    ],
    ['Default', { dnsPolicy: 'Default' }, { dnsPolicy: 'Default' }],
    [
      "None is the pod's own affair",
      { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.2.3.4'] } },
      { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.2.3.4'] } },
    ],
    [
      'dnsConfig is appended, an option of the same name wins',
      {
        dnsConfig: {
          nameservers: ['1.2.3.4'],
          searches: ['corp', 'cluster.local'],
          options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
        },
      },
      {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['10.96.4.10', '1.2.3.4'],
          searches: [...searches, 'corp'],
          options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
        },
      },
    ],
  ])('%s', ([, spec, wanted]) => {
    expect(dnsOf(spec)).toEqual(wanted)
  })

  test('cuts what the API server would refuse', () => {
    const { dnsConfig } = dnsOf({
      dnsConfig: {
        nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'],
        searches: Array.from({ length: 32 }, (_, index) => `${index}.${'x'.repeat(60)}.example`),
      },
    })
    expect(dnsConfig?.nameservers).toEqual(['10.96.4.10', '1.1.1.1', '2.2.2.2'])
    expect(dnsConfig?.searches?.length).toBeLessThanOrEqual(32)
    expect(dnsConfig?.searches?.join(' ').length).toBeLessThanOrEqual(2048)
    expect(dnsConfig?.searches?.slice(0, 3)).toEqual(searches)
  })
})
