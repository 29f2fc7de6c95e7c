import type { KubeObject } from '../../apis/kube-object.ts'
import type { V1Container } from './json-types.ts'

type Resources = V1Container['resources']

const merged = (live: Resources, change: Resources): Resources =>
  change && {
    ...live,
    ...(change.requests && { requests: { ...live?.requests, ...change.requests } }),
    ...(change.limits && { limits: { ...live?.limits, ...change.limits } }),
  }

/** A pod as it is after a patch of its sizes, as far as these are concerned. */
export const resizedPod = (pod: KubeObject, { spec: change = {} }: { readonly spec?: KubeObject['spec'] }): KubeObject => {
  const { spec } = pod
  const list = (field: 'containers' | 'initContainers') =>
    (spec?.[field] as readonly V1Container[] | undefined)?.map((container) => {
      const own = (change[field] as readonly V1Container[] | undefined)?.find(({ name }) => name === container.name)
      const resources = merged(container.resources, own?.resources)
      return own ? { ...container, ...(resources && { resources }) } : container
    })
  const initContainers = list('initContainers')
  const resources = merged(spec?.resources, change.resources)
  return {
    ...pod,
    spec: {
      ...spec,
      containers: list('containers'),
      ...(initContainers && { initContainers }),
      ...(resources && { resources }),
    },
  }
}
