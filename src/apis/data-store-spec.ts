import { z } from 'zod'
import { quantity } from './quantity.ts'
import { storeEndpoints } from './store-endpoint.ts'

/** In CEL. Of a tenant that leaves the kind to a default, no field of a kind is its own. */
const isOfKind = (kind: string, self: 'self' | 'oldSelf' = 'self'): string =>
  kind === 'dedicated' ? `(!has(${self}.kind) || ${self}.kind == '${kind}')` : `(has(${self}.kind) && ${self}.kind == '${kind}')`

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
    storageSize: quantity.default('2Gi'),
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
      ...['storageSize', 'storageClassName'].map((field) => ({
        rule: `!${isOfKind('dedicated')} || !${isOfKind('dedicated', 'oldSelf')} || (has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field}))`,
        message: `${field} cannot be changed`,
        fieldPath: `.${field}`,
      })),
    ],
  })
