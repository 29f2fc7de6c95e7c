import type { KubeObject } from '../../apis/kube-object.ts'
import { componentNames, exposedService } from '../names.ts'
import { apiServerPort } from './kube-apiserver.ts'
import { metadataOf, type Plane, selectorOf } from './plane.ts'

/** The Service by which people outside of super come to the API server; undefined where none is wanted. The one with the slice's first address stays as it is. */
export const exposureService = (plane: Pick<Plane, 'tenant' | 'namespace' | 'spec'>): KubeObject | undefined => {
  const { type, nodePort, loadBalancerClass, annotations, sourceRanges } = plane.spec.apiServer.exposure ?? { type: 'ClusterIP' }
  if (type === 'ClusterIP') return undefined
  const metadata = metadataOf(plane, exposedService, componentNames.kubeApiServer)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: annotations ? { ...metadata, annotations } : metadata,
    spec: {
      type,
      selector: selectorOf(plane, componentNames.kubeApiServer),
      ports: [{ name: 'https', port: 443, targetPort: apiServerPort, ...(nodePort !== undefined && { nodePort }) }],
      ...(loadBalancerClass !== undefined && { loadBalancerClass }),
      ...(sourceRanges && { loadBalancerSourceRanges: sourceRanges }),
    },
  }
}
