import type { ObjectDependency } from '../resource.ts'
import type { V1Volume } from './json-types.ts'
import { allContainers, type Pod } from './pod.ts'
import { ephemeralClaimName, secretRefFields } from './volumes.ts'

type Names = { readonly configmaps?: readonly (string | undefined)[]; readonly secrets?: readonly (string | undefined)[] }

const containerNames = ({ spec }: Pod): readonly Names[] =>
  allContainers(spec).flatMap(({ env, envFrom }) => [
    ...(envFrom ?? []).map(({ configMapRef, secretRef }) => ({ configmaps: [configMapRef?.name], secrets: [secretRef?.name] })),
    ...(env ?? []).map(({ valueFrom }) => ({
      configmaps: [valueFrom?.configMapKeyRef?.name],
      secrets: [valueFrom?.secretKeyRef?.name],
    })),
  ])

const volumeNames = (volume: V1Volume): Names => ({
  configmaps: [volume.configMap?.name, ...(volume.projected?.sources ?? []).map((source) => source.configMap?.name)],
  secrets: [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
    ...Object.entries(secretRefFields).map(
      ([source, field]) =>
        (
          volume[source as keyof typeof secretRefFields] as unknown as Record<string, { name?: string } | undefined> | undefined
        )?.[field]?.name,
    ),
  ],
})

const claimName = (volume: V1Volume, pod: Pod): string | undefined =>
  volume.ephemeral ? ephemeralClaimName(pod.metadata.name ?? '', volume.name) : volume.persistentVolumeClaim?.claimName

/** Every ConfigMap, Secret and claim that the pod names, optional ones too, each once. */
export const podDependencies = (pod: Pod): readonly ObjectDependency[] => {
  const volumes = pod.spec.volumes ?? []
  const names = [...containerNames(pod), ...volumes.map(volumeNames)]
  const of = (resource: ObjectDependency['resource'], all: readonly (string | undefined)[]): ObjectDependency[] =>
    [...new Set(all)].filter((name) => name !== undefined && name !== '').map((name) => ({ resource, name: name as string }))
  return [
    ...of(
      'configmaps',
      names.flatMap(({ configmaps = [] }) => configmaps),
    ),
    ...of('secrets', [
      ...names.flatMap(({ secrets = [] }) => secrets),
      ...(pod.spec.imagePullSecrets ?? []).map(({ name }) => name),
    ]),
    ...of(
      'persistentvolumeclaims',
      volumes.map((volume) => claimName(volume, pod)),
    ),
  ]
}
