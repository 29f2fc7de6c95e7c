import { z } from 'zod'
import { identitySecretName } from './snapshot-storage.ts'

/** Whose data a tenant begins with. */
export const cloneSpec = z
  .object({
    snapshotName: z
      .string()
      .min(1)
      .max(253)
      .describe('ControlPlaneSnapshot of the same namespace, of this or another tenant, whose data the new tenant begins with'),
    identitySecretName,
  })
  .optional()
  .describe(
    'The tenant begins with the data of a snapshot, as a tenant of its own: other addresses, keys and volumes. Said when it is made, and never changed',
  )

/** The data are brought to a volume. */
export const cloneNeedsStore = 'spec.cloneFrom needs a data store of its own to begin with: spec.dataStore.kind dedicated'

/** Of the whole object: what is not there has no rules of its own. */
export const cloneRules = [
  {
    rule: 'has(self.spec.cloneFrom) == has(oldSelf.spec.cloneFrom) && (!has(self.spec.cloneFrom) || self.spec.cloneFrom == oldSelf.spec.cloneFrom)',
    message: 'spec.cloneFrom is said when a tenant is made, and cannot be changed: make another tenant',
  },
  {
    // Once it has its data it moves like any other.
    rule: "!has(self.spec.cloneFrom) || (has(self.status) && has(self.status.restored)) || !has(self.spec.dataStore) || !has(self.spec.dataStore.kind) || self.spec.dataStore.kind == 'dedicated'",
    message: cloneNeedsStore,
  },
] as const
