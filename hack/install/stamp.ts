import { parseAllDocuments, stringify } from 'yaml'

/** A rendered manifest object, as far as installing looks at it. */
export interface Rendered {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec?: { readonly template?: PodTemplate; readonly [key: string]: unknown }
  readonly [key: string]: unknown
}

interface PodTemplate {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>>; readonly [key: string]: unknown }
  readonly spec?: { readonly containers?: readonly { readonly image?: string }[]; readonly [key: string]: unknown }
}

/** Annotation on the pod templates: the image they are to run. The image's name stays the same while its content changes. */
const imageDigestAnnotation = 'berth.dev/image-digest'

/** The objects of a YAML stream. */
export const parseManifests = (text: string): Rendered[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() as Rendered | null) ?? [])

export const printManifests = (objects: readonly Rendered[]): string =>
  objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n')

/** Workloads that have to be rolled out: all with a pod template that live on. */
export const workloadsOf = (objects: readonly Rendered[]): Rendered[] =>
  objects.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet' || kind === 'StatefulSet')

/** Writes the digest into the templates of the pods that run `image`, so that another content is another revision, and the same is none. */
export const stampImage = (objects: readonly Rendered[], image: string, digest: string): Rendered[] =>
  objects.map((object) => {
    const template = object.spec?.template
    if (!template?.spec?.containers?.some((container) => container.image === image)) return object
    const annotations = { ...template.metadata?.annotations, [imageDigestAnnotation]: digest }
    return { ...object, spec: { ...object.spec, template: { ...template, metadata: { ...template.metadata, annotations } } } }
  })
