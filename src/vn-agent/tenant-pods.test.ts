import { expect, test } from 'vitest'
import { hostsContainerName, hostsFileCommand } from '../tenancy/hosts-container.ts'
import { tenantPodOf } from './tenant-pods.ts'

test('the container that writes the hosts file is no container of the tenant', () => {
  const hosts = hostsContainerName('u', 0)
  const initContainers = [
    { name: hosts, command: [...hostsFileCommand], image: 'berth' },
    { name: 'etc-hosts-mine', command: ['sh'], image: 'busybox' },
  ]
  const pod = tenantPodOf({
    superNamespace: 'acme-shop-x',
    superUid: '0d4c1c5e-7a57-4c11-9c3b-5a1f8f1b6d2e',
    namespace: 'shop',
    name: 'web-0',
    uid: 'u',
    superPod: {
      metadata: {},
      spec: { initContainers, containers: [{ name: 'main' }] },
      status: { initContainerStatuses: [{ name: hosts }, { name: 'etc-hosts-mine' }] },
    },
  })
  expect(pod.spec?.initContainers).toEqual([initContainers[1]])
  expect(pod['status']).toEqual({ initContainerStatuses: [{ name: 'etc-hosts-mine' }] })
})
