import { z } from 'zod'
import { gatewayApiGroup, gatewayApiKinds } from './gateway-api.ts'

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** Kinds that the syncer has rules of its own for, by this name. */
const knownKinds = ['IPAddress', 'Namespace', 'Node', 'PersistentVolume', 'PersistentVolumeClaim', 'Pod']

const gatewayKindRule = Object.entries(gatewayApiKinds)
  .map(([plural, kind]) => `(self.plural == '${plural}' && self.kind == '${kind}')`)
  .join(' || ')

export const customKind = z
  .object({
    group: z
      .string()
      .min(3)
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/)
      .describe('API group, for example cert-manager.io')
      .meta({
        'x-kubernetes-validations': [
          { rule: "self != 'berth.dev' && !self.endsWith('.berth.dev')", message: "Berth's own kinds are not for tenants" },
        ],
      }),
    version: z.string().min(1).max(63).regex(dnsLabel).describe('The version that super serves and tenants get'),
    plural: z.string().min(1).max(63).regex(dnsLabel),
    kind: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[A-Z][A-Za-z0-9]*$/)
      .meta({
        'x-kubernetes-validations': [
          {
            rule: `!(self in [${knownKinds.map((kind) => `'${kind}'`).join(', ')}])`,
            message: 'kinds of this name are not synced by declaration',
          },
        ],
      }),
    statusFields: z
      .array(z.string().min(1).max(253))
      .max(50)
      .optional()
      .describe('Fields of the status that come up; unset: all of it'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: `self.group != '${gatewayApiGroup}' || (self.version == 'v1' && (${gatewayKindRule}))`,
        message: `of the Gateway API only ${Object.values(gatewayApiKinds).join(', ')} of version v1 are synced`,
      },
    ],
  })

/** A kind of super that a tenant may have objects of. */
export type CustomKind = z.output<typeof customKind>
