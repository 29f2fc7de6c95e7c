import type { KubeObject, ObjectMeta } from '../apis/kube-object.ts'
import { frozen } from './frozen.ts'

/** What a test says of an object: metadata and top-level fields, laid over the builder's. */
export interface Wanted {
  readonly metadata?: ObjectMeta
  readonly [field: string]: unknown
}

const build = (apiVersion: string, kind: string, fields: Record<string, unknown>, { metadata, ...wanted }: Wanted): KubeObject =>
  frozen({
    apiVersion,
    kind,
    metadata: { name: kind.toLowerCase(), ...metadata },
    ...fields,
    ...wanted,
  })

const namespaced = (apiVersion: string, kind: string, fields: Record<string, unknown>, wanted: Wanted): KubeObject =>
  build(apiVersion, kind, fields, { ...wanted, metadata: { namespace: 'default', ...wanted.metadata } })

export const aNamespace = (wanted: Wanted = {}): KubeObject => build('v1', 'Namespace', {}, wanted)
export const aNode = (wanted: Wanted = {}): KubeObject => build('v1', 'Node', { spec: {} }, wanted)
export const aConfigMap = (wanted: Wanted = {}): KubeObject => namespaced('v1', 'ConfigMap', { data: { key: 'value' } }, wanted)
/** `data` is base64, as everywhere. */
export const aSecret = (wanted: Wanted = {}): KubeObject =>
  namespaced('v1', 'Secret', { type: 'Opaque', data: { key: 'dmFsdWU=' } }, wanted)
export const aServiceAccount = (wanted: Wanted = {}): KubeObject => namespaced('v1', 'ServiceAccount', {}, wanted)
export const aPod = (wanted: Wanted = {}): KubeObject =>
  namespaced('v1', 'Pod', { spec: { containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10' }] } }, wanted)
export const aService = (wanted: Wanted = {}): KubeObject =>
  namespaced(
    'v1',
    'Service',
    { spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], selector: { app: 'main' } } },
    wanted,
  )
export const aPersistentVolumeClaim = (wanted: Wanted = {}): KubeObject =>
  namespaced(
    'v1',
    'PersistentVolumeClaim',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    wanted,
  )
