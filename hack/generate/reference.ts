import type { KubeObject } from '../../src/apis/kube-object.ts'
import type { StructuralSchema } from '../../src/apis/structural-schema.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const typeOf = (node: StructuralSchema): string => {
  if (Array.isArray(node.enum)) return node.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (node.type === 'array') return `list of ${node.items ? typeOf(node.items) : 'values'}`
  if (node.additionalProperties) return `map of ${typeOf(node.additionalProperties)}`
  return String(node.type)
}

const rulesOf = (node: StructuralSchema): string[] =>
  ((node['x-kubernetes-validations'] ?? []) as { message: string }[]).map(({ message }) => message)

const rows = (node: StructuralSchema, path: string): string[] =>
  Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const at = `${path}.${name}`
    const value = child.default === undefined || child.type === 'object' ? '' : `\`${JSON.stringify(child.default)}\``
    const text = [child.description ?? '', ...rulesOf(child)].filter(Boolean).join('. ')
    return [`| \`${at}\` | ${cell(typeOf(child))} | ${cell(value)} | ${cell(text)} |`, ...rows(child, at)]
  })

/** The reference page of a kind of Berth's: every field, its type, default and rules. */
export const kindReference = (crd: KubeObject, notice: string): string => {
  const schema: StructuralSchema = crd.spec.versions[0].schema.openAPIV3Schema
  const head = '| Field | Type | Default | Meaning |\n|---|---|---|---|'
  const part = (name: 'spec' | 'status'): string => [head, ...rows(schema.properties?.[name] ?? {}, name)].join('\n')
  return `<!-- ${notice} -->
# ${crd.spec.names.kind}

\`${crd.spec.group}/${crd.spec.versions[0].name}\`, short name \`${crd.spec.names.shortNames[0]}\`, ${crd.spec.scope === 'Cluster' ? 'of cluster scope' : 'namespaced'}.
${[schema.description, ...rulesOf(schema).map((rule) => `${rule}.`)].join('\n')}

## Spec

${part('spec')}

## Status

${part('status')}
`
}
