import { describe, expect, test } from 'vitest'
import { startApiServer } from '../../testing/api-server.ts'
import { type ServedMinor, servedMinors } from '../../testing/test-binaries.ts'
import { nodeInfoFields } from '../resources/nodes.ts'
import { claimFields } from '../resources/persistent-volume-claims.ts'
import { serviceFields } from '../resources/services.ts'
import { type FieldTable, ruleOf, type TypeTable } from './fields.ts'
import { podSpecFields } from './spec-fields.ts'
import { podStatusFields } from './status-fields.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, object>>
}
type Schemas = Readonly<Record<string, Schema>>

const core = 'io.k8s.api.core.v1.'

const schemasOf = async (minor: ServedMinor): Promise<Schemas> => {
  const api = await startApiServer({ minor, deadlineMs: 180_000 })
  try {
    const { body } = await api.client.raw('/openapi/v3/api/v1', { timeoutMs: 30_000 })
    return (JSON.parse(body) as { components: { schemas: Schemas } }).components.schemas
  } finally {
    await api.stop()
  }
}

/** Schema of the objects that a field holds, by name; undefined for values, Quantities and times among them. */
const schemaInside = (property: object, schemas: Schemas): string | undefined => {
  const { description: _text, ...rest } = property as { description?: string }
  const [, name] = /"#\/components\/schemas\/([^"]+)"/.exec(JSON.stringify(rest)) ?? []
  return name !== undefined && schemas[name]?.properties ? name : undefined
}

/** Each way in which a table and the type of the API that it stands for differ. */
const faults = (table: TypeTable, name: string, schemas: Schemas, path: string): string[] => {
  const properties = Object.entries(schemas[name]?.properties ?? {})
  const own = properties.length > 0 && name.endsWith(`.${table.type}`) ? [] : [`${path}: ${table.type} is not ${name}`]
  return [
    ...own,
    ...properties.flatMap(([field, property]) => {
      const at = `${path}.${field}`
      const rule = ruleOf(table.fields, field)
      if (!rule) return [`${at} has no class`]
      const inside = schemaInside(property, schemas)
      if (rule.of) return inside === undefined ? [`${at} is a value and has a table`] : faults(rule.of, inside, schemas, at)
      return inside !== undefined && (rule.fate === 'pass' || rule.fate === 'translate')
        ? [`${at}: what is in it has no class`]
        : []
    }),
  ]
}

/** Paths of all rows, each list of types in the way once. */
const rowsOf = ({ fields }: TypeTable, path: string): string[] =>
  Object.keys(fields).flatMap((field) => {
    const inside = ruleOf(fields, field)?.of
    return [`${path}.${field}`, ...(inside ? rowsOf(inside, `${path}.${field}`) : [])]
  })

const pathsOf = (table: TypeTable, name: string, schemas: Schemas, path: string): string[] =>
  Object.entries(schemas[name]?.properties ?? {}).flatMap(([field, property]) => {
    const rule = ruleOf(table.fields, field)
    const inside = schemaInside(property, schemas)
    return [
      `${path}.${field}`,
      ...(rule?.of && inside !== undefined ? pathsOf(rule.of, inside, schemas, `${path}.${field}`) : []),
    ]
  })

/** What comes up with a Node's status, whole but for `nodeInfo`. */
const nodeParts = ['NodeFeatures', 'NodeRuntimeHandler', 'NodeRuntimeHandlerFeatures', 'NodeSwapStatus', 'NodeCondition'] as const

describe('every field of the API has a class', () => {
  const seen = new Set<string>()
  const partsOfNodes = new Set<string>()
  test.for(servedMinors)('in Kubernetes %s', { timeout: 240_000 }, async (minor) => {
    const schemas = await schemasOf(minor)
    expect(faults(podSpecFields, `${core}PodSpec`, schemas, 'spec')).toEqual([])
    expect(faults(podStatusFields, `${core}PodStatus`, schemas, 'status')).toEqual([])
    for (const path of pathsOf(podSpecFields, `${core}PodSpec`, schemas, 'spec')) seen.add(path)
    for (const path of pathsOf(podStatusFields, `${core}PodStatus`, schemas, 'status')) seen.add(path)
    const fieldsOf = (type: string) => Object.keys(schemas[`${core}${type}`]?.properties ?? {})
    expect(fieldsOf('NodeSystemInfo')).toEqual(expect.arrayContaining([...nodeInfoFields]))
    expect(nodeParts.every((part) => fieldsOf(part).length > 0)).toBe(true)
    partsOfNodes.add(JSON.stringify(nodeParts.map(fieldsOf)))
    for (const [type, table] of Object.entries({ ServiceSpec: serviceFields, PersistentVolumeClaimSpec: claimFields })) {
      const fields = fieldsOf(type)
      expect(fields.length).toBeGreaterThan(1)
      expect(fields.filter((field) => !Object.hasOwn(table as FieldTable, field))).toEqual([])
    }
  })

  test('and what comes up whole with a Node is the same in all versions', () => {
    expect([...partsOfNodes]).toHaveLength(1)
  })

  test('and there is no row for what no version has', () => {
    expect(seen.size).toBeGreaterThan(500)
    const rows = [...rowsOf(podSpecFields, 'spec'), ...rowsOf(podStatusFields, 'status')]
    expect(rows.filter((row) => !seen.has(row))).toEqual([])
  })
})
