import type { KubeObject } from '../apis/kube-object.ts'

const securityContext = {
  allowPrivilegeEscalation: false,
  privileged: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  runAsUser: 65_532,
  seccompProfile: { type: 'RuntimeDefault' },
}
const amounts = { cpu: '10m', memory: '32Mi', 'ephemeral-storage': '16Mi' }

export interface PodRequest {
  readonly name: string
  readonly namespace: string
  readonly image: string
  /** Of agnhost. */
  readonly args: readonly string[]
  readonly pullAlways: boolean
}

/** A pod that every profile lets run. */
export const compliantPod = ({ name, namespace, image, args, pullAlways }: PodRequest): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { 'isolation-check': name } },
  spec: {
    automountServiceAccountToken: false,
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        image,
        imagePullPolicy: pullAlways ? 'Always' : 'IfNotPresent',
        args,
        securityContext,
        resources: { requests: amounts, limits: amounts },
        terminationMessagePolicy: 'FallbackToLogsOnError',
      },
    ],
  },
})

/** A Service that every profile lets be. */
export const compliantService = (name: string, namespace: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: {
    type: 'ClusterIP',
    ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }],
    selector: { 'isolation-check': 'nobody' },
  },
})

/** A claim that every profile lets be. */
export const compliantClaim = (name: string, namespace: string, storageClassName: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
})

/** The same under another name. */
export const renamed = (object: KubeObject, name: string): KubeObject => ({ ...object, metadata: { ...object.metadata, name } })

/** A live object of super as it would be made again under another name: its marks stay, what the server wrote goes. */
export const againInSuper = ({ apiVersion, kind, metadata, spec }: KubeObject, name: string): KubeObject => {
  const { nodeName: _node, clusterIP, clusterIPs: _addresses, volumeName: _volume, ...rest } = spec
  const ports = rest.ports?.map(({ nodePort: _port, ...port }: Record<string, unknown>) => port)
  return {
    ...(apiVersion !== undefined && { apiVersion }),
    ...(kind !== undefined && { kind }),
    metadata: {
      name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations },
    },
    spec: { ...rest, ...(ports && { ports }), ...(clusterIP === 'None' && { clusterIP }) },
  }
}
