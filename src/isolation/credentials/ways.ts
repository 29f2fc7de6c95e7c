import { z } from 'zod'
import type { KubeObject } from '../../apis/kube-object.ts'

/** A way by which a credential can come into a pod. */
export type Way =
  /** One of the cluster that the pod runs in: it is there by the pod's own words. */
  | { readonly kind: 'credential'; readonly what: string }
  /** It depends on what stands in an object. */
  | { readonly kind: 'Secret' | 'ConfigMap'; readonly what: string; readonly name: string }
  /** Written into the pod itself. */
  | { readonly kind: 'text'; readonly what: string; readonly text: string }
  /** What comes in by it is in no object. */
  | { readonly kind: 'hidden'; readonly what: string }

const named = z.looseObject({ name: z.string().optional() })
const source = z.looseObject({
  serviceAccountToken: z.unknown().optional(),
  podCertificate: z.unknown().optional(),
  secret: named.optional(),
  configMap: named.optional(),
})
const volume = z.looseObject({
  name: z.string(),
  secret: z.looseObject({ secretName: z.string().optional() }).optional(),
  configMap: named.optional(),
  projected: z.looseObject({ sources: z.array(source).nullish() }).optional(),
})
const container = z.looseObject({
  name: z.string(),
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
  env: z
    .array(
      z.looseObject({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z.looseObject({ secretKeyRef: named.optional(), configMapKeyRef: named.optional() }).nullish(),
      }),
    )
    .nullish(),
  envFrom: z.array(z.looseObject({ secretRef: named.optional(), configMapRef: named.optional() })).nullish(),
})
const spec = z.looseObject({
  automountServiceAccountToken: z.boolean().optional(),
  volumes: z.array(volume).nullish(),
  containers: z.array(container).nullish(),
  initContainers: z.array(container).nullish(),
  ephemeralContainers: z.array(container).nullish(),
})

type Volume = z.infer<typeof volume>
type Container = z.infer<typeof container>
type Named = z.infer<typeof named>

/** What these hold is the pod's own, or what it may know of itself. */
const harmless: ReadonlySet<string> = new Set(['name', 'emptyDir', 'downwardAPI', 'persistentVolumeClaim', 'ephemeral'])
const looked: ReadonlySet<string> = new Set(['secret', 'configMap', 'projected'])

const refOf = (kind: 'Secret' | 'ConfigMap', ref: Named | undefined, what: string): readonly Way[] =>
  ref?.name === undefined ? [] : [{ kind, name: ref.name, what }]

const waysOfVolume = (each: Volume): readonly Way[] => {
  const what = `volume ${each.name}`
  return [
    ...refOf('Secret', each.secret && { name: each.secret.secretName }, what),
    ...refOf('ConfigMap', each.configMap, what),
    ...(each.projected?.sources ?? []).flatMap((part): readonly Way[] => [
      ...(part.serviceAccountToken ? [{ kind: 'credential', what: `token of a ServiceAccount in ${what}` } as const] : []),
      ...(part.podCertificate ? [{ kind: 'credential', what: `certificate of the pod in ${what}` } as const] : []),
      ...refOf('Secret', part.secret, what),
      ...refOf('ConfigMap', part.configMap, what),
    ]),
    ...Object.keys(each)
      .filter((key) => !harmless.has(key) && !looked.has(key))
      .map((key) => ({ kind: 'hidden', what: `${what} (${key})` }) as const),
  ]
}

const waysOfContainer = ({ name, command, args, env, envFrom }: Container): readonly Way[] => [
  ...(env ?? []).flatMap(({ name: variable, value, valueFrom }): readonly Way[] => {
    const what = `variable ${variable} of container ${name}`
    return [
      ...(value ? [{ kind: 'text', what, text: value } as const] : []),
      ...refOf('Secret', valueFrom?.secretKeyRef, what),
      ...refOf('ConfigMap', valueFrom?.configMapKeyRef, what),
    ]
  }),
  ...(envFrom ?? []).flatMap(({ secretRef, configMapRef }) => {
    const what = `variables of container ${name}`
    return [...refOf('Secret', secretRef, what), ...refOf('ConfigMap', configMapRef, what)]
  }),
  ...[...(command ?? []), ...(args ?? [])].map((text) => ({ kind: 'text', what: `command of container ${name}`, text }) as const),
]

/** Every way by which a credential can come into a pod. Throws where the pod is none. */
export const waysInto = (pod: KubeObject): readonly Way[] => {
  const { automountServiceAccountToken, volumes, containers, initContainers, ephemeralContainers } = spec.parse(pod.spec)
  return [
    // Where it is not off, whether there is a token is for its account and the API server's plugins to say.
    ...(automountServiceAccountToken === false
      ? []
      : [{ kind: 'credential', what: 'automountServiceAccountToken, which is not off' } as const]),
    ...(volumes ?? []).flatMap(waysOfVolume),
    ...[containers, initContainers, ephemeralContainers].flatMap((list) => (list ?? []).flatMap(waysOfContainer)),
  ]
}
