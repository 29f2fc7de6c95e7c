type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

const without = (value: unknown, ...fields: readonly string[]): Fields | undefined =>
  isFields(value) ? Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field))) : undefined

const storeFields = ['replicas', 'storageClassName', 'storageSize']

/**
 * What a clone has of the tenant that was saved, of its spec as it is stored: its plan, its limits and what it sees. What there can be only one of, names and addresses,
 * and what was asked for once, stays with that one.
 */
export const clonedSpec = (stored: unknown): Fields => {
  if (!isFields(stored)) return {}
  const { className, size, dataStore, isolation, sync, network, upgrade, backup } = stored
  const store = Object.entries(isFields(dataStore) ? dataStore : {}).filter(([field]) => storeFields.includes(field))
  const taken = {
    className,
    size,
    // It begins on a volume, whatever a class says and wherever the other one has moved since.
    dataStore: { ...Object.fromEntries(store), kind: 'dedicated' },
    isolation,
    sync,
    network: without(network, 'serviceSlice'),
    upgrade: without(upgrade, 'requestedAt'),
    backup,
  }
  return Object.fromEntries(Object.entries(taken).filter(([, value]) => value !== undefined))
}
