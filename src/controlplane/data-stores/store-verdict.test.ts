import { expect, test } from 'vitest'
import { type StoreFindings, storeVerdict } from './store-verdict.ts'

const endpoint = (name: string, clusterId = '7', sizeBytes = 100) => ({ endpoint: name, clusterId, sizeBytes })
const good: StoreFindings = {
  endpoints: [endpoint('https://a:1'), endpoint('https://b:1', '7', 300)],
  alarms: [],
  rootReads: true,
  strangers: { kind: 'refused' },
}

test.for<[name: string, findings: Partial<StoreFindings>, known: string | undefined, said: string]>([
  ['all is well', {}, undefined, 'True Serving: auth is enabled, and 2 of 2 endpoint(s) answer'],
  ['it is the etcd it was', {}, '7', 'True Serving'],
  [
    'one member is silent',
    { endpoints: [endpoint('https://a:1'), { endpoint: 'https://b:1', message: 'no' }] },
    '7',
    'True Serving: auth is enabled, and 1 of 2 endpoint(s) answer; no answer from https://b:1',
  ],
  [
    'nobody answers',
    { endpoints: [{ endpoint: 'https://b:1', message: 'refused' }] },
    '7',
    'False DataStoreUnreachable: refused',
  ],
  ['it is another etcd', {}, '8', 'False AnotherCluster: https://a:1 is another etcd (7) than the one'],
  [
    'one endpoint is of another etcd',
    { endpoints: [endpoint('https://a:1'), endpoint('https://b:1', '9')] },
    '7',
    'False AnotherCluster: https://b:1 is another etcd (9)',
  ],
  [
    'endpoints are of two new ones',
    { endpoints: [endpoint('https://a:1'), endpoint('https://b:1', '9')] },
    undefined,
    'False AnotherCluster: https://a:1 and https://b:1 are not members of one etcd',
  ],
  ['anybody may read', { strangers: { kind: 'read' } }, '7', 'False AuthDisabled'],
  ['anybody may read, and it is full', { strangers: { kind: 'read' }, alarms: ['NOSPACE'] }, '7', 'False AuthDisabled'],
  ['root is somebody else', { rootReads: false }, '7', 'False NotRoot'],
  ['it does not believe the authority', { strangers: { kind: 'failed', message: 'x' } }, '7', 'False AuthorityNotTrusted'],
  ['it is full', { alarms: ['NOSPACE'] }, '7', 'False StoreFull'],
  ['its members differ', { alarms: ['NOSPACE', 'CORRUPT'] }, '7', 'False StoreCorrupt'],
])('when %s', ([, findings, known, said]) => {
  const { status, reason, message } = storeVerdict({ ...good, ...findings }, known)
  expect(`${status} ${reason}: ${message}`).toContain(said)
})

test('its size is that of its largest member', () => {
  expect(storeVerdict(good, '7')).toMatchObject({ clusterId: '7', sizeBytes: 300 })
})
