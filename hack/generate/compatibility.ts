import { type Fate, ruleOf, type ToldRule, type TypeTable } from '../../src/syncer/pods/fields.ts'
import { podSpecFields } from '../../src/syncer/pods/spec-fields.ts'
import { podStatusFields } from '../../src/syncer/pods/status-fields.ts'
import { builtInKinds, knownCustomKinds, type TenantKind } from '../../src/tenancy/kinds.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')

const kindFates: Readonly<Record<TenantKind['fate'], string>> = {
  down: 'goes down',
  up: 'comes up',
  tenant: "the tenant's own",
  kept: 'kept, not in force',
}

const kindRows = (kinds: readonly TenantKind[]): string =>
  table(
    ['Kind', 'Group', 'What', 'Remarks'],
    kinds.map(({ kind, group, fate, note, warning }) => [
      kind,
      group || 'core',
      kindFates[fate],
      [note, warning && `A warning is given: ${warning.says}`].filter(Boolean).join('. '),
    ]),
  )

const rules = ({ fields }: TypeTable): [field: string, rule: ToldRule][] =>
  Object.keys(fields)
    .toSorted()
    .flatMap((field) => {
      const rule = ruleOf(fields, field)
      return rule ? [[field, rule]] : []
    })

/** Types with a table of their own, and its heading: others are told with the type that holds them, by path. */
const sections: Readonly<Record<string, string>> = {
  PodSpec: 'Pod',
  PodAffinityTerm: 'Term of pod affinity and anti-affinity',
  Container: 'Container',
  EphemeralContainer: 'Container',
  Volume: 'Volume',
  PodStatus: 'Pod',
  ContainerStatus: 'Status of a container',
}
const sectionOf = ({ type }: TypeTable): string | undefined => sections[type]

type Words = Readonly<Record<Fate, string>>

const anchor = (heading: string): string => heading.toLowerCase().replaceAll(' ', '-')

/** Rows of all that does not simply pass, at whatever depth short of another section. */
const fieldRows = (type: TypeTable, words: Words, path = ''): string[][] =>
  rules(type).flatMap(([field, { fate, how, of }]) => {
    const at = path + field
    const heading = of && sectionOf(of)
    const see = heading ? `see [${heading}](#${anchor(heading)})` : ''
    const own =
      see || (fate !== 'pass' && how !== '') ? [[`\`${at}\``, how ? words[fate] : '', [how, see].filter(Boolean).join('; ')]] : []
    return [...own, ...(of && !see && fate !== 'drop' ? fieldRows(of, words, `${at}.`) : [])]
  })

const typePart = (type: TypeTable, words: Words): string => {
  const rows = fieldRows(type, words)
  const told = new Set(rows.map(([field = '']) => field.replaceAll('`', '').split('.')[0]))
  const plain = rules(type).filter(([field]) => !told.has(field))
  return [
    `### ${sectionOf(type) ?? type.type}`,
    table(['Field', 'What', 'Remarks'], rows),
    ...(plain.length > 0 ? [`As they are, with all that is in them: ${plain.map(([field]) => `\`${field}\``).join(', ')}.`] : []),
  ].join('\n\n')
}

/** The sections below a type, each once, in the order in which a reader meets them. */
const sectionsBelow = (type: TypeTable, seen: Map<string, TypeTable> = new Map()): ReadonlyMap<string, TypeTable> => {
  const heading = sectionOf(type)
  if (heading !== undefined && !seen.has(heading)) seen.set(heading, type)
  for (const [, { of }] of rules(type)) if (of && !seen.has(sectionOf(of) ?? '')) sectionsBelow(of, seen)
  return seen
}

const typeParts = (type: TypeTable, words: Words): string =>
  [...sectionsBelow(type).values()].map((each) => typePart(each, words)).join('\n\n')

/** The page that says of every kind and every pod field what happens to it. */
export const compatibilityPage = (notice: string): string => `<!-- ${notice} -->
# Compatibility

What becomes of what a tenant writes. Kinds and fields that are not named here do not exist in the Kubernetes versions served.

## Kinds

*Goes down*: it takes effect in the super cluster, and what that says of it is told in the tenant. *Comes up*: the tenant sees what the super cluster has.
*The tenant's own*: the tenant's API server and controllers do all there is to do. *Kept, not in force*: it is stored and nothing acts on it.
Custom kinds and their controllers are the tenant's own.

${kindRows([...builtInKinds, ...knownCustomKinds])}

## Fields of a pod's spec

A pod with a field that is refused stays Pending, and an Event says which and why.

${typeParts(podSpecFields, { pass: 'as it is', translate: 'translated', drop: 'left out', refuse: 'refused' })}

## Fields of a pod's status

${typeParts(podStatusFields, { pass: 'as it is', translate: 'translated', drop: 'not told', refuse: 'refused' })}
`
