import { describe, expect, test } from 'vitest'
import { storeEndpoint, superEndpoint, tenantEndpoint, tenantHost } from './endpoints.ts'

const place = { namespace: 'berth-acme-x', slice: '10.96.4.0/24' }

describe('a control plane is found', () => {
  test.each([
    ['where super runs it, by addresses of the slice', place, '10.96.4.1', 'https://10.96.4.255:2379'],
    [
      'apart from super, by names of Services',
      { ...place, isApart: true },
      'kube-apiserver.berth-acme-x.svc',
      'https://etcd.berth-acme-x.svc:2379',
    ],
  ])('%s', (_, given, host, store) => {
    expect(tenantHost(given)).toBe(host)
    expect(tenantEndpoint(given)).toBe(`https://${host}:443`)
    expect(storeEndpoint(given, 2379)).toBe(store)
    expect(superEndpoint(given.slice)).toBe('https://10.96.4.1:443')
  })
})
