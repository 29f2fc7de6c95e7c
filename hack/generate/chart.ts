import { stringify } from 'yaml'
import type { KubeObject } from '../../src/apis/kube-object.ts'
import { fillAt, holeKey } from '../../src/cli/install/fill.ts'
import { append, type Hole, holes } from '../../src/cli/install/holes.ts'
import { type Condition, type ManifestFile, manifestFiles, readManifest } from '../../src/cli/install/manifests.ts'
import { installValues, valuesSchema } from '../../src/cli/install/values.ts'

const keepPolicy = { 'helm.sh/resource-policy': 'keep' }
const markOf = (index: number): string => `HOLE-${index}-OF-THE-CHART`

/** Helm leaves them when it uninstalls: with a definition go all objects of its kind. As they are templates, an upgrade updates them. */
const kept = (object: KubeObject): KubeObject =>
  object.kind === 'CustomResourceDefinition'
    ? { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...keepPolicy } } }
    : object

const defaults = installValues({}, 'defaults')
const isScalar = ({ source }: Hole): boolean => typeof source.of(defaults) !== 'object'

/** What stands in the text for a marked line: nothing when the value is empty, else the key with the value, or the value's entries. */
const templateOf = (hole: Hole, line: string): string => {
  const indent = line.length - line.trimStart().length
  const pad = ' '.repeat(indent)
  const last = hole.path.at(-1)
  const text =
    last === append
      ? `${pad}{{- toYaml . | nindent ${indent} }}`
      : `${pad}${typeof last === 'string' ? last : ''}: ${isScalar(hole) ? '{{ toJson . }}' : `{{- toYaml . | nindent ${indent + 2} }}`}`
  return `${pad}{{- with ${hole.source.template} }}\n${text}\n${pad}{{- end }}`
}

const objectTemplate = (object: KubeObject): string => {
  const own = holes.map((hole, index) => ({ hole, mark: markOf(index) })).filter(({ hole }) => hole.object === holeKey(object))
  const marked = own.reduce<unknown>(
    (tree, { hole, mark }) => fillAt(tree, hole.path, hole.path.at(-1) === append ? [mark] : mark),
    kept(object),
  )
  // YAML 1.1, as Helm and kubectl read it: `on` is quoted. What looks like a template in a text of ours is none.
  const text = stringify(marked, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' }).replaceAll('{{', '{{ "{{" }}')
  return text
    .split('\n')
    .map((line) => {
      const found = own.find(({ mark }) => line.endsWith(mark))
      return found ? templateOf(found.hole, line) : line
    })
    .join('\n')
}

const fileTemplate = (objects: readonly KubeObject[], { template }: Condition, notice: string): string => {
  const body = objects.map(objectTemplate).join('---\n')
  const whole = template === 'true' ? body : `{{- if ${template} }}\n${body}{{- end }}\n`
  return `{{- /* ${notice} */}}\n${whole}`
}

const nameOf = ({ path }: ManifestFile): string =>
  path
    .split('/')
    .slice(-2)
    .join('-')
    .replace(/^crds-/, 'crd-')

/** The generated files of the Helm chart, by path: templates from the manifests, and the schema of the values. */
export const chartFiles = async (notice: (sources: string) => string): Promise<Record<string, string>> => {
  const templates = await Promise.all(
    manifestFiles.map(async (file) => {
      const text = fileTemplate(await readManifest(file), file.when, notice(`manifests/${file.path}`))
      return [`charts/berth/templates/${nameOf(file)}`, text] as const
    }),
  )
  return {
    ...Object.fromEntries(templates),
    'charts/berth/values.schema.json': `${JSON.stringify(valuesSchema(), null, 2)}\n`,
  }
}
