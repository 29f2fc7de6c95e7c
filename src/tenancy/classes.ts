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
  | 'GatewayClass'

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
  GatewayClass: { type: resourceTypes.gatewayClasses, rule: 'gateway', withoutRule: 'all' },
}

/** What one tenant may use of super's classes, as super has them at the time of asking. */
export interface TenantClasses {
  /** True when super has a class that the tenant knows by this name and may use. */
  allows(kind: ClassKind, name: string): boolean
  /** The name in super of a class, by that in the tenant; undefined: the tenant knows super's class of this name by another. */
  superName(kind: ClassKind, tenantName: string): string | undefined
  /** The name in the tenant of a class, by that in super; undefined: in the tenant another class has this name. */
  tenantName(kind: ClassKind, superName: string): string | undefined
  /** The class that an object which names none gets in the tenant; undefined: there is none. */
  defaultOf(kind: ClassKind): string | undefined
  /** RuntimeClasses by the operator's word, as the tenant knows them, whether or not super has them: that of every pod, and that of pods which name none. */
  readonly runtime: { readonly forced?: string | undefined; readonly default?: string | undefined }
  /** Whether a class shows as the default one in the tenant; undefined: nothing is said of it. */
  isDefault(kind: ClassKind, superClass: KubeObject): boolean | undefined
}

type ClassRule = Partial<NonNullable<ClassRules['runtime']>>

/** What a rule calls the classes of a kind. Without a word a class has one name on both sides, unless that one is taken. */
const naming = (names: Readonly<Record<string, string>> = {}) => {
  const tenantNames = new Map(Object.entries(names).map(([tenantName, superName]) => [superName, tenantName]))
  return {
    toSuper: (name: string): string | undefined =>
      Object.hasOwn(names, name) ? names[name] : tenantNames.has(name) ? undefined : name,
    toTenant: (name: string): string | undefined => tenantNames.get(name) ?? (Object.hasOwn(names, name) ? undefined : name),
  }
}

const has = (labels: Readonly<Record<string, string>> = {}, selector: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value)

/** A volume of such a class outlives its claim, and its tenant, with all data: nobody gets that but by name. */
const outlivesTenant = ({ reclaimPolicy }: KubeObject): boolean => reclaimPolicy === 'Retain'

/** Named, selected or the default; without a rule as the kind says. */
const isAllowed = ({ withoutRule }: ClassFacts, rule: ClassRule | undefined, superClass: KubeObject): boolean => {
  const { name = '', labels } = superClass.metadata
  if (rule?.forced !== undefined) return name === rule.forced
  if (rule?.default === name || rule?.allowed?.includes(name)) return true
  if (outlivesTenant(superClass)) return false
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
  const namesOf = (kind: ClassKind) => naming(ruleOf(kind)?.names)
  const known = (kind: ClassKind, superName: string | undefined): string | undefined =>
    superName === undefined ? undefined : namesOf(kind).toTenant(superName)
  return {
    runtime: {
      // Where its name here is taken by another one it is none that the tenant may use, and no pod runs: never one without it.
      forced: known('RuntimeClass', rules?.runtime?.forced) ?? rules?.runtime?.forced,
      default: known('RuntimeClass', rules?.runtime?.default),
    },
    superName: (kind, name) => namesOf(kind).toSuper(name),
    tenantName: known,
    allows: (kind, name) => {
      const superName = namesOf(kind).toSuper(name)
      const superClass = superName === undefined ? undefined : superClasses(classKinds[kind].type).get(superName)
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
      if (wanted !== undefined) return classes.get(wanted) && known(kind, wanted)
      const found = classes
        .list()
        .filter((superClass) => isDefaultInSuper(kind, superClass) && isAllowed(classKinds[kind], ruleOf(kind), superClass))
        .toSorted(byAge)[0]
      return known(kind, found?.metadata.name)
    },
  }
}
