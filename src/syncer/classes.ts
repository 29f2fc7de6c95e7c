import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { ClassRules } from '../apis/tenant-control-plane.ts'

/** Kinds of class that come up from super. */
export type ClassKind =
  | 'StorageClass'
  | 'IngressClass'
  | 'RuntimeClass'
  | 'PriorityClass'
  | 'VolumeAttributesClass'
  | 'VolumeSnapshotClass'

interface ClassFacts {
  readonly type: ResourceType
  readonly rule: keyof ClassRules
  /** What a tenant without a rule may use: priority decides over others' pods, so nothing of it is given unasked. */
  readonly withoutRule: 'all' | 'none'
  /** Annotation that makes a class the default one. PriorityClass has a field for it; the kinds without either know no default. */
  readonly defaultAnnotation?: string
}

export const classKinds: Readonly<Record<ClassKind, ClassFacts>> = {
  StorageClass: {
    type: resourceTypes.storageClasses,
    rule: 'storage',
    withoutRule: 'all',
    defaultAnnotation: 'storageclass.kubernetes.io/is-default-class',
  },
  IngressClass: {
    type: resourceTypes.ingressClasses,
    rule: 'ingress',
    withoutRule: 'all',
    defaultAnnotation: 'ingressclass.kubernetes.io/is-default-class',
  },
  RuntimeClass: { type: resourceTypes.runtimeClasses, rule: 'runtime', withoutRule: 'all' },
  PriorityClass: { type: resourceTypes.priorityClasses, rule: 'priority', withoutRule: 'none' },
  VolumeAttributesClass: { type: resourceTypes.volumeAttributesClasses, rule: 'volumeAttributes', withoutRule: 'all' },
  VolumeSnapshotClass: {
    type: resourceTypes.volumeSnapshotClasses,
    rule: 'volumeSnapshot',
    withoutRule: 'all',
    defaultAnnotation: 'snapshot.storage.kubernetes.io/is-default-class',
  },
}

/** What one tenant may use of super's classes, as super has them at the time of asking. */
export interface TenantClasses {
  /** True when super has a class of this name and the tenant may use it. */
  allows(kind: ClassKind, name: string): boolean
  /** The class that an object which names none gets in the tenant; undefined: there is none. */
  defaultOf(kind: ClassKind): string | undefined
  /** Whether a class shows as the default one in the tenant; undefined: nothing is said of it. */
  isDefault(kind: ClassKind, superClass: KubeObject): boolean | undefined
}

type ClassRule = { readonly default?: string | undefined } & NonNullable<ClassRules['runtime']>

const has = (labels: Readonly<Record<string, string>> = {}, selector: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value)

/** Named, selected or the default; without a rule as the kind says. */
const isAllowed = ({ withoutRule }: ClassFacts, rule: ClassRule | undefined, { metadata }: KubeObject): boolean => {
  const { name = '', labels } = metadata
  if (rule?.default === name || rule?.allowed?.includes(name)) return true
  if (rule?.selector) return has(labels, rule.selector)
  return rule?.allowed === undefined && withoutRule === 'all'
}

/** Whether super itself takes this class for the default one. */
const isDefaultInSuper = (kind: ClassKind, superClass: KubeObject): boolean => {
  const { defaultAnnotation } = classKinds[kind]
  return defaultAnnotation === undefined
    ? superClass.globalDefault === true
    : superClass.metadata.annotations?.[defaultAnnotation] === 'true'
}

/** Newest first, then by name: so Kubernetes chooses among several defaults. */
const byAge = (a: KubeObject, b: KubeObject): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
  (a.metadata.name ?? '').localeCompare(b.metadata.name ?? '')

/** The rules of one tenant over super's classes, which are looked up at each question. */
export const tenantClasses = (
  rules: ClassRules | undefined,
  superClasses: (type: ResourceType) => { get(name: string): KubeObject | undefined; list(): readonly KubeObject[] },
): TenantClasses => {
  const ruleOf = (kind: ClassKind): ClassRule | undefined => rules?.[classKinds[kind].rule]
  return {
    allows: (kind, name) => {
      const superClass = superClasses(classKinds[kind].type).get(name)
      return superClass !== undefined && isAllowed(classKinds[kind], ruleOf(kind), superClass)
    },
    isDefault: (kind, superClass) => {
      const wanted = ruleOf(kind)?.default
      if (wanted !== undefined) return superClass.metadata.name === wanted
      return isDefaultInSuper(kind, superClass) || undefined
    },
    defaultOf: (kind) => {
      const wanted = ruleOf(kind)?.default
      const classes = superClasses(classKinds[kind].type)
      if (wanted !== undefined) return classes.get(wanted) && wanted
      return classes
        .list()
        .filter((superClass) => isDefaultInSuper(kind, superClass) && isAllowed(classKinds[kind], ruleOf(kind), superClass))
        .toSorted(byAge)[0]?.metadata.name
    },
  }
}
