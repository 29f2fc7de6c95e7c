import type * as k8s from '@kubernetes/client-node'

/** A type of the client library as it is in plain JSON: no classes, times as strings. */
type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Field in keyof T]: Json<T[Field]> }
      : T

export type V1Affinity = Json<k8s.V1Affinity>
export type V1Container = Json<k8s.V1Container>
export type V1ContainerStatus = Json<k8s.V1ContainerStatus>
export type V1DownwardAPIVolumeFile = Json<k8s.V1DownwardAPIVolumeFile>
export type V1Endpoint = Json<k8s.V1Endpoint>
export type V1EnvFromSource = Json<k8s.V1EnvFromSource>
export type V1EnvVar = Json<k8s.V1EnvVar>
export type V1EphemeralContainer = Json<k8s.V1EphemeralContainer>
export type V1LabelSelector = Json<k8s.V1LabelSelector>
export type V1LabelSelectorRequirement = Json<k8s.V1LabelSelectorRequirement>
export type V1NodeAffinity = Json<k8s.V1NodeAffinity>
export type V1NodeCondition = Json<k8s.V1NodeCondition>
export type V1NodeSelectorRequirement = Json<k8s.V1NodeSelectorRequirement>
export type V1NodeSelectorTerm = Json<k8s.V1NodeSelectorTerm>
export type V1ObjectFieldSelector = Json<k8s.V1ObjectFieldSelector>
export type V1PersistentVolumeClaimSpec = Json<k8s.V1PersistentVolumeClaimSpec>
export type V1PersistentVolumeClaimStatus = Json<k8s.V1PersistentVolumeClaimStatus>
export type V1PersistentVolumeSpec = Json<k8s.V1PersistentVolumeSpec>
export type V1PodAffinityTerm = Json<k8s.V1PodAffinityTerm>
export type V1PodCondition = Json<k8s.V1PodCondition>
export type V1PodDNSConfig = Json<k8s.V1PodDNSConfig>
export type V1PodDNSConfigOption = Json<k8s.V1PodDNSConfigOption>
export type V1PodSecurityContext = Json<k8s.V1PodSecurityContext>
export type V1PodSpec = Json<k8s.V1PodSpec>
export type V1PodStatus = Json<k8s.V1PodStatus>
export type V1ProjectedVolumeSource = Json<k8s.V1ProjectedVolumeSource>
export type V1SecurityContext = Json<k8s.V1SecurityContext>
export type V1ServicePort = Json<k8s.V1ServicePort>
export type V1ServiceSpec = Json<k8s.V1ServiceSpec>
export type V1Taint = Json<k8s.V1Taint>
export type V1Toleration = Json<k8s.V1Toleration>
export type V1TopologySpreadConstraint = Json<k8s.V1TopologySpreadConstraint>
export type V1Volume = Json<k8s.V1Volume>
export type V1VolumeProjection = Json<k8s.V1VolumeProjection>
