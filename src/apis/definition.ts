import type { z } from 'zod'
import type { KubeObject } from './kube-object.ts'
import type { ResourceType } from './resource-types.ts'
import { type StoredDefaults, structuralSchema } from './structural-schema.ts'

/** One column of `kubectl get`. Priority 1: only with `-o wide`. */
export interface PrinterColumn {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date'
  readonly jsonPath: string
  readonly priority?: 1
}

/** What makes one of Berth's kinds. */
export interface Kind {
  readonly type: ResourceType
  readonly shortName: string
  readonly description: string
  readonly columns: readonly PrinterColumn[]
  readonly spec: z.ZodType
  readonly status: z.ZodType
  /** What of the spec's defaults is stored; default: all. */
  readonly storedDefaults?: StoredDefaults
  /** CEL rules of the whole object. */
  readonly rules?: readonly { readonly rule: string; readonly message: string; readonly fieldPath?: string }[]
}

/** Path of one field of a condition. */
export const conditionPath = (type: string, field: string): string => `.status.conditions[?(@.type=='${type}')].${field}`

/** The CustomResourceDefinition of a kind. Apply it as it is: generated clients drop its `x-kubernetes-` keys. */
export const definitionOf = ({
  type,
  shortName,
  description,
  columns,
  spec,
  status,
  storedDefaults,
  rules,
}: Kind): KubeObject => {
  const { group, version, plural, kind, namespaced } = type
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ['berth'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structuralSchema(spec, 'spec', storedDefaults),
                status: structuralSchema(status, 'status'),
              },
              required: ['spec'],
              ...(rules && { 'x-kubernetes-validations': rules }),
            },
          },
        },
      ],
    },
  }
}
