import type { KubeObject } from '../../apis/kube-object.ts'
import { hashOf } from '../apply.ts'
import type { Plane } from '../components/plane.ts'
import { apiServerAdmissionConfig, componentNames } from '../names.ts'
import { type Made, madeOf } from './plane-objects.ts'

/** What becomes of one object. */
export type EffectKind =
  /** Its pods are replaced, in the manner that `meanwhile` says. */
  | 'restarts'
  /** Its last pod ends. */
  | 'stops'
  /** It has pods again, of the revision it had. */
  | 'starts'
  /** It gets another number of pods; those that stay are not touched. */
  | 'scales'
  | 'made'
  | 'changes'
  | 'goes'

export interface Effect {
  readonly place: Made['place']
  /** `Kind/name`. */
  readonly object: string
  readonly effect: EffectKind
  /** What of it is another. */
  readonly detail: string
  /** What clients notice while it happens; nothing, when it is empty. */
  readonly meanwhile: string
}

const idOf = ({ place, object }: Made): string => `${place} ${object.kind}/${object.metadata.name}`
const isWorkload = ({ kind }: KubeObject): boolean => kind === 'Deployment' || kind === 'StatefulSet'
const replicasOf = ({ spec }: KubeObject): number => spec?.replicas ?? 1

interface Container {
  readonly image: string
  readonly command?: readonly string[]
  readonly resources?: unknown
  readonly env?: unknown
}

const listed = (names: readonly string[]): string => names.join(', ')

/** What differs between two pod templates, for people. */
const templateDetail = (before: KubeObject, after: KubeObject): string => {
  const [old, wanted] = [before, after].map(({ spec }) => spec.template.spec.containers[0] as Container) as [Container, Container]
  const notes = [before, after].map(({ spec }) => (spec.template.metadata.annotations ?? {}) as Record<string, string>)
  const flags = (wanted.command ?? []).filter((flag) => !old.command?.includes(flag))
  const gone = (old.command ?? [])
    .filter((flag) => !wanted.command?.includes(flag))
    .map((flag) => flag.split('=', 1)[0] ?? flag)
    .filter((flag) => !flags.some((each) => each.startsWith(`${flag}=`)))
  const parts = [
    ...(old.image === wanted.image ? [] : [`image ${wanted.image}`]),
    ...(flags.length > 0 ? [`flags ${listed(flags)}`] : []),
    ...(gone.length > 0 ? [`without ${listed(gone)}`] : []),
    ...(hashOf(old.resources ?? null) === hashOf(wanted.resources ?? null) ? [] : ['resources']),
    ...(hashOf(old.env ?? null) === hashOf(wanted.env ?? null) ? [] : ['memory settings']),
    ...(hashOf(notes[0] ?? {}) === hashOf(notes[1] ?? {}) ? [] : ['configuration or roots of trust']),
  ]
  return parts.length > 0 ? listed(parts) : 'its pods are made otherwise'
}

/** What a StatefulSet makes volumes with. */
const volumeSizeOf = ({ spec }: KubeObject): string | undefined =>
  spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage as string | undefined

/** What clients notice of a restart, by component. */
const restartText = ({ place, object }: Made): string => {
  if (place === 'tenant') return 'lookups in the tenant may fail for seconds'
  switch (object.metadata.name ?? '') {
    case componentNames.etcd:
      return replicasOf(object) > 1
        ? 'one member at a time; a write that is on its way may have to be tried again'
        : 'writes wait for the seconds in which its only member starts'
    case componentNames.kubeApiServer:
      return 'a new one is ready before an old one goes; watches connect again'
    default:
      return 'controllers of the tenant do nothing for seconds; requests are answered'
  }
}

const workloadEffects = (before: Made, after: Made): Effect[] => {
  const base = { place: after.place, object: `${after.object.kind}/${after.object.metadata.name}` }
  const [was, will] = [replicasOf(before.object), replicasOf(after.object)]
  const size = volumeSizeOf(after.object)
  const grows = size !== undefined && size !== volumeSizeOf(before.object)
  const isOther = hashOf(before.object.spec.template) !== hashOf(after.object.spec.template)
  const detail = isOther ? templateDetail(before.object, after.object) : ''
  if (was > 0 && will === 0) {
    const isManager = after.object.metadata.name === componentNames.kubeControllerManager
    const meanwhile = isManager ? 'controllers of the tenant do nothing' : "nobody can use the tenant's API"
    return [{ ...base, effect: 'stops', detail: `${was} -> 0`, meanwhile }]
  }
  if (will === 0 && !isOther && grows)
    return [{ ...base, effect: 'changes', detail: 'volumes grow when it starts', meanwhile: '' }]
  if (will === 0) return isOther ? [{ ...base, effect: 'changes', detail: `${detail}, when it starts`, meanwhile: '' }] : []
  if (was === 0)
    return [{ ...base, effect: 'starts', detail: listed([`0 -> ${will}`, ...(detail ? [detail] : [])]), meanwhile: '' }]
  const isHead = base.object === `StatefulSet/${componentNames.etcd}`
  return [
    ...(isOther ? [{ ...base, effect: 'restarts', detail, meanwhile: restartText(after) } as const] : []),
    ...(was === will
      ? []
      : [
          {
            ...base,
            effect: 'scales',
            detail: `${was} -> ${will}${isHead ? ', one member at a time' : ''}`,
            meanwhile: '',
          } as const,
        ]),
    ...(grows
      ? [
          {
            ...base,
            effect: 'changes',
            detail: `volumes grow to ${size}; it is made anew around its pods, which go on`,
            meanwhile: '',
          } as const,
        ]
      : []),
    ...(!isOther && !grows && was === will
      ? [{ ...base, effect: 'changes', detail: 'settings of its rollout', meanwhile: '' } as const]
      : []),
  ]
}

/** Words for what no pod is made of. */
const changeText = ({ object }: Made, before: KubeObject | undefined): string => {
  const data = object.data as Record<string, unknown> | undefined
  switch (object.kind ?? '') {
    case 'Certificate': {
      const names = (data?.['names'] as readonly string[] | undefined) ?? []
      return `${names.length > 0 ? `also for ${listed(names)}` : 'for no more names'}${before ? '; the API server takes it up as it runs, within about a minute' : ''}`
    }
    case 'Secret':
      return `names ${String(data?.['server'])}${before ? ', when the certificate is valid for it' : ''}`
    case 'Syncer':
      return 'the syncer goes by other rules from then on'
    case 'Slices':
      return `up to ${String(data?.['most'])} slices of a family, when they are needed`
    case 'Pods':
      return data?.['asleep'] ? 'they end, each with its grace period' : 'the same pods are made anew'
    case 'ConfigMap':
      if (!before) return ''
      return object.metadata.name === apiServerAdmissionConfig
        ? 'what is told at admission: taken up as the API server runs, within two minutes'
        : 'taken up by members that start'
    case 'Service':
      return object.spec?.type ? `type ${object.spec.type}` : ''
    default:
      return ''
  }
}

const effectOf = (made: Made, effect: EffectKind, before?: KubeObject): Effect => {
  const { object, place } = made
  const isSleep = object.kind === 'Pods'
  const kind = isSleep ? ((object.data as unknown as { asleep: boolean }).asleep ? 'stops' : 'starts') : effect
  const count = effect === 'made' && isWorkload(object) ? `${replicasOf(object)} replica(s)` : undefined
  return {
    place,
    object: `${object.kind}/${object.metadata.name}`,
    effect: kind,
    detail: effect === 'goes' ? '' : (count ?? changeText(made, before)),
    meanwhile: kind === 'stops' ? 'the pods of the tenant do not run' : '',
  }
}

/** Of what is made for a new tenant, these say nothing by themselves. */
const isSilent = ({ object }: Made): boolean => ['Syncer', 'Slices', 'Pods'].includes(object.kind ?? '')

/**
 * What a change of a tenant's spec does, in the order in which it comes into force: the objects of one plane compared with those of another. Without a plane
 * before, all is made. Pure.
 */
export const effectsOf = (before: Plane | undefined, after: Plane): readonly Effect[] => {
  const [olds, news] = [before ? madeOf(before) : [], madeOf(after)]
  const oldById = new Map(olds.map((made) => [idOf(made), made]))
  const ids = new Set(news.map(idOf))
  const coming = news.flatMap((made): Effect[] => {
    const old = oldById.get(idOf(made))
    if (!old) return before === undefined && isSilent(made) ? [] : [effectOf(made, 'made')]
    if (hashOf(old.object) === hashOf(made.object)) return []
    return isWorkload(made.object) ? workloadEffects(old, made) : [effectOf(made, 'changes', old.object)]
  })
  const going = olds.filter((made) => !ids.has(idOf(made))).map((made) => effectOf(made, 'goes'))
  return [...coming, ...going]
}

/** True for what ends pods that run. */
export const endsPods = ({ effect }: Pick<Effect, 'effect'>): boolean => effect === 'restarts' || effect === 'stops'
