import type { KubeObject } from '../../apis/kube-object.ts'
import type { V1Container, V1EphemeralContainer, V1PodSpec, V1PodStatus } from './json-types.ts'

/** A Pod as plain JSON: times are strings, fields newer than the types are there all the same. */
export interface Pod extends KubeObject {
  spec: V1PodSpec
  status?: V1PodStatus
}

export type AnyContainer = V1Container | V1EphemeralContainer

/** Containers of all three lists: init, main, ephemeral. */
export const allContainers = ({ initContainers, containers, ephemeralContainers }: V1PodSpec): readonly AnyContainer[] => [
  ...(initContainers ?? []),
  ...containers,
  ...(ephemeralContainers ?? []),
]
