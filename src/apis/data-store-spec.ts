import { z } from 'zod'
import { quantity } from './quantity.ts'
import { storeEndpoints } from './store-endpoint.ts'

/** In CEL. Of a tenant that leaves the kind to a default, no field of a kind is its own. */
const isOfKind = (kind: string, self: 'self' | 'oldSelf' = 'self'): string =>
  kind === 'dedicated' ? `(!has(${self}.kind) || ${self}.kind == '${kind}')` : `(has(${self}.kind) && ${self}.kind == '${kind}')`

/** The disk of a tenant that says nothing of it, and whose class says nothing of it either. */
const defaultStorageSize = '2Gi'

/**
 * The disks of a tenant never get smaller. Its status says how large they are: what was asked for and could not be had may be taken back to that. Of a tenant with
 * a class that does not say it itself, the manager knows.
 */
export const diskSizeRule = {
  rule: [
    "!has(self.status) || !has(self.status.dataStore) || self.status.dataStore.kind != 'dedicated'",
    '!has(self.status.dataStore.storageSize) || !isQuantity(self.status.dataStore.storageSize)',
    "(has(self.spec.dataStore.kind) && self.spec.dataStore.kind != 'dedicated')",
    '(has(self.spec.dataStore.storageSize) ? (has(oldSelf.spec.dataStore.storageSize) && self.spec.dataStore.storageSize == oldSelf.spec.dataStore.storageSize) : (!has(oldSelf.spec.dataStore.storageSize) || has(self.spec.className)))',
    `quantity(has(self.spec.dataStore.storageSize) ? self.spec.dataStore.storageSize : '${defaultStorageSize}').compareTo(quantity(self.status.dataStore.storageSize)) >= 0`,
  ].join(' || '),
  message:
    'storageSize cannot be smaller than the disks are, which status.dataStore.storageSize says: a disk never shrinks. Smaller ones take a move to another data store and back',
  fieldPath: '.spec.dataStore.storageSize',
}

/** Fields of `dataStore` that belong to one kind, and whether it needs them. */
export const fieldsOfKinds = [
  ['name', 'shared', true],
  ['endpoints', 'external', true],
  ['secretName', 'external', true],
  ['prefix', 'external', false],
  ['storageClassName', 'dedicated', false],
] as const

/** Where the data of a tenant are. */
export const dataStoreSpec = z
  .object({
    kind: z
      .enum(['dedicated', 'shared', 'external'])
      .default('dedicated')
      .describe(
        'dedicated: an etcd of its own. shared: a part of the one that `name` names. external: one that you run. Another one than before is moved to: status.move tells how far',
      ),
    name: z.string().min(1).max(253).optional().describe('shared: name of the DataStore'),
    endpoints: storeEndpoints.optional().describe('external: URLs of the members of one etcd'),
    secretName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe(
        'external: Secret in the namespace of this object with `ca.crt`, `tls.crt` and `tls.key`, by which etcd lets at least the prefix be read and written',
      ),
    prefix: z
      .string()
      .max(253)
      .regex(/^(\/[A-Za-z0-9][A-Za-z0-9._-]*)+\/$/)
      .optional()
      .describe('external: where the keys of the tenant begin, and nobody else has any; default: /<uid>/'),
    replicas: z
      .int()
      .default(1)
      .describe('etcd members: 1 or 3. A change of it adds or takes out one at a time, and the tenant goes on')
      .meta({
        'x-kubernetes-validations': [{ rule: 'self == 1 || self == 3', message: 'etcd needs an odd number of members: 1 or 3' }],
      }),
    storageClassName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe('Default: the cluster default class; without any class the data lies in an emptyDir'),
    storageSize: quantity
      .default(defaultStorageSize)
      .describe(
        'dedicated: the disk of each member, which may grow and never shrinks; etcd takes writes up to two fifths of it. Without a storage class: the most that a member writes to its node, fixed when the tenant is made',
      ),
  })
  .prefault({})
  .meta({
    'x-kubernetes-validations': [
      ...fieldsOfKinds.map(([field, kind, isNeeded]) => ({
        rule: isNeeded ? `has(self.${field}) == ${isOfKind(kind)}` : `!has(self.${field}) || ${isOfKind(kind)}`,
        message: isNeeded ? `${field} goes with kind ${kind}, which needs it` : `${field} goes with kind ${kind} only`,
        fieldPath: `.${field}`,
      })),
      // One that was, or is to be, elsewhere has no volume yet. One that was left to a default stays so: what the default is need not be what it was.
      {
        rule: `!${isOfKind('dedicated')} || !${isOfKind('dedicated', 'oldSelf')} || (has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName))`,
        message: 'storageClassName cannot be changed',
        fieldPath: '.storageClassName',
      },
    ],
  })
