import { describe, expect, test } from 'vitest'
import { type AgentRecord, agentRecordObject, agentRecordOf } from './agent-record.ts'

const record: AgentRecord = {
  tenant: { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' },
  server: 'https://10.96.1.1:443',
  ca: 'CA',
  tokenKeys: 'KEY',
}

describe('the record of a tenant', () => {
  test('is read as it was written', () => expect(agentRecordOf(agentRecordObject(record))).toEqual(record))

  test.for<[name: string, change: (object: ReturnType<typeof agentRecordObject>) => unknown]>([
    ['that lacks its label', (object) => ({ ...object, metadata: { ...object.metadata, labels: {} } })],
    ['whose name is of another tenant', (object) => ({ ...object, metadata: { ...object.metadata, name: 'tenant-other' } })],
    ['without data', (object) => ({ ...object, data: undefined })],
    ['without a key', (object) => ({ ...object, data: { ...object['data'], 'sa.pub': undefined } })],
    ['with an address that is not HTTPS', (object) => ({ ...object, data: { ...object['data'], server: 'http://10.96.1.1' } })],
  ])('%s is none', ([, change]) => {
    expect(agentRecordOf(change(agentRecordObject(record)) as never)).toBeUndefined()
  })
})
