import { expect, test } from 'vitest'
import { isReady, progressLine } from './wait-ready.ts'

const condition = (type: string, status: string, message = '') => ({ type, status, reason: 'Because', message })

test.for<[name: string, conditions: ReturnType<typeof condition>[] | undefined, line: string]>([
  ['nothing yet', undefined, 'accepted'],
  ['the first step is waited for', [condition('DataStoreReady', 'False', '0 of 1 members')], 'DataStore: 0 of 1 members'],
  [
    'done and next',
    [
      condition('CertificatesReady', 'True'),
      condition('DataStoreReady', 'False', 'image is pulled'),
      condition('Ready', 'False', 'x'),
    ],
    'ready: Certificates; DataStore: image is pulled',
  ],
  [
    'all steps done but not the whole',
    [condition('SyncReady', 'True'), condition('Ready', 'False', 'no answer yet')],
    'ready: Sync; Ready: no answer yet',
  ],
  ['all done', [condition('SyncReady', 'True'), condition('Ready', 'True', 'fine')], 'ready: Sync'],
])('%s', ([, conditions, line]) => {
  expect(progressLine(conditions ? { conditions } : {})).toBe(line)
})

test('only a true Ready is ready', () => {
  expect(isReady({})).toBe(false)
  expect(isReady({ conditions: [condition('SyncReady', 'True'), condition('Ready', 'Unknown')] })).toBe(false)
  expect(isReady({ conditions: [condition('Ready', 'True')] })).toBe(true)
})
